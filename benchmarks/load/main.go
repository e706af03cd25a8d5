// Command load drives one server in a closed loop of freshly signed calls and prints what it saw as JSON.
//
// It exists because h2load repeats one request, and a signed call is never the same twice.
package main

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

// plan is what the command line asks for.
type plan struct {
	protocol    string
	address     string
	path        string
	body        []byte
	connections int
	warmup      time.Duration
	duration    time.Duration
	signer      *signer
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run() error {
	plan, err := parse()
	if err != nil {
		return err
	}
	callers, err := dial(plan)
	if err != nil {
		return err
	}
	if _, err := drive(callers, plan.warmup); err != nil {
		return err
	}
	seen, err := drive(callers, plan.duration)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(seen.report())
}

func parse() (*plan, error) {
	protocol := flag.String("protocol", "grpc", "grpc or http")
	address := flag.String("address", "127.0.0.1:50051", "host:port of the server")
	path := flag.String("path", "", "path of the method, or of the URL")
	body := flag.String("body", "", "request body, in hex")
	connections := flag.Int("connections", 32, "connections, each with one call in flight")
	warmup := flag.Duration("warmup", time.Second, "how long to drive before measuring")
	duration := flag.Duration("duration", 4*time.Second, "how long to measure")
	unsigned := flag.Bool("unsigned", false, "send no metadata at all")
	audience := flag.String("audience", "howdah", "audience that is signed")
	tenant := flag.String("tenant", "acme", "tenant that is signed")
	flag.Parse()

	bytes, err := hex.DecodeString(*body)
	if err != nil {
		return nil, fmt.Errorf("-body: %w", err)
	}
	plan := &plan{
		protocol: *protocol, address: *address, path: *path, body: bytes,
		connections: *connections, warmup: *warmup, duration: *duration,
	}
	if !*unsigned {
		// From the environment: arguments are seen by every process of the machine.
		secret, err := hex.DecodeString(os.Getenv("LOAD_SECRET"))
		if err != nil {
			return nil, fmt.Errorf("LOAD_SECRET: %w", err)
		}
		plan.signer = newSigner(os.Getenv("LOAD_KEY_ID"), secret, *audience, *path, *tenant, bytes)
	}
	return plan, nil
}
