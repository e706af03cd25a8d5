package main

import (
	"errors"
	"slices"
	"sync"
	"syscall"
	"time"
)

// observation is what all callers saw in one stretch of time.
type observation struct {
	latencies  []time.Duration
	errors     int
	firstError string
	elapsed    time.Duration
	cpu        time.Duration
}

// report is what is printed. The latencies are those of calls that were answered.
type report struct {
	Calls      int     `json:"calls"`
	Errors     int     `json:"errors"`
	FirstError string  `json:"first_error,omitempty"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"`
	P50Ms      float64 `json:"p50_ms"`
	P90Ms      float64 `json:"p90_ms"`
	P99Ms      float64 `json:"p99_ms"`
	MaxMs      float64 `json:"max_ms"`
}

// drive has every caller call, one call after the other, until the time is over.
func drive(callers []caller, duration time.Duration) (*observation, error) {
	var (
		seen   observation
		adding sync.Mutex
		group  sync.WaitGroup
	)
	cpu, started := cpuTime(), time.Now()
	end := started.Add(duration)
	for _, call := range callers {
		group.Go(func() {
			own := repeat(call, end)
			adding.Lock()
			defer adding.Unlock()
			seen.add(own)
		})
	}
	group.Wait()
	seen.elapsed, seen.cpu = time.Since(started), cpuTime()-cpu
	if len(seen.latencies) == 0 {
		return nil, errors.New("not one call was answered: " + seen.firstError)
	}
	slices.Sort(seen.latencies)
	return &seen, nil
}

func repeat(call caller, end time.Time) *observation {
	own := &observation{latencies: make([]time.Duration, 0, 4096)}
	for before := time.Now(); before.Before(end); {
		size, err := call()
		after := time.Now()
		if err == nil && size == 0 {
			err = errors.New("the answer is empty")
		}
		if err != nil {
			own.errors++
			own.firstError = err.Error()
		} else {
			own.latencies = append(own.latencies, after.Sub(before))
		}
		before = after
	}
	return own
}

func (o *observation) add(other *observation) {
	o.latencies = append(o.latencies, other.latencies...)
	o.errors += other.errors
	if o.firstError == "" {
		o.firstError = other.firstError
	}
}

func (o *observation) report() report {
	return report{
		Calls:      len(o.latencies),
		Errors:     o.errors,
		FirstError: o.firstError,
		Seconds:    o.elapsed.Seconds(),
		CPUSeconds: o.cpu.Seconds(),
		P50Ms:      o.percentile(50),
		P90Ms:      o.percentile(90),
		P99Ms:      o.percentile(99),
		MaxMs:      o.percentile(100),
	}
}

// percentile returns the smallest latency that so many percent of the calls did not exceed.
func (o *observation) percentile(percent int) float64 {
	rank := max((len(o.latencies)*percent+99)/100, 1)
	return float64(o.latencies[rank-1]) / float64(time.Millisecond)
}

// cpuTime returns what this process has used of the processors.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
