package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// A call that takes longer has failed.
const deadline = 5 * time.Second

// caller makes one call on a connection of its own and returns the size of the answer.
type caller func() (int, error)

func dial(p *plan) ([]caller, error) {
	callers := make([]caller, p.connections)
	for i := range callers {
		var err error
		switch p.protocol {
		case "grpc":
			callers[i], err = dialGRPC(p)
		case "http":
			callers[i], err = dialHTTP(p)
		default:
			err = errors.New("-protocol is grpc or http")
		}
		if err != nil {
			return nil, err
		}
	}
	return callers, nil
}

// raw hands bytes through: the body was serialised once, before the first call.
type raw struct{}

func (raw) Marshal(value any) ([]byte, error) { return *value.(*[]byte), nil }
func (raw) Name() string                      { return "proto" }
func (raw) Unmarshal(data []byte, value any) error {
	*value.(*[]byte) = append((*value.(*[]byte))[:0], data...)
	return nil
}

func dialGRPC(p *plan) (caller, error) {
	connection, err := grpc.NewClient(
		"passthrough:///"+p.address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
	)
	if err != nil {
		return nil, err
	}
	answer := make([]byte, 0, 1024)
	return func() (int, error) {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		if p.signer != nil {
			ctx = metadata.AppendToOutgoingContext(ctx, p.signer.pairs()...)
		}
		err := connection.Invoke(ctx, p.path, &p.body, &answer)
		return len(answer), err
	}, nil
}

func dialHTTP(p *plan) (caller, error) {
	client := &http.Client{
		Timeout:   deadline,
		Transport: &http.Transport{MaxIdleConnsPerHost: 1, MaxConnsPerHost: 1, DisableCompression: true},
	}
	url := "http://" + p.address + p.path
	return func() (int, error) {
		request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(p.body))
		if err != nil {
			return 0, err
		}
		request.Header.Set("content-type", "application/json")
		if p.signer != nil {
			for pairs := p.signer.pairs(); len(pairs) > 0; pairs = pairs[2:] {
				request.Header.Set(pairs[0], pairs[1])
			}
		}
		response, err := client.Do(request)
		if err != nil {
			return 0, err
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if err == nil && response.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", response.Status, answer)
		}
		return len(answer), err
	}, nil
}
