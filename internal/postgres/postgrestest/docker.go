package postgrestest

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/postgres"
)

// image is the server that containers run: the version that docker-compose.yml
// runs in production.
const image = "postgres:17"

// dockerAnswers asks a Docker engine whether it is there, once and within limit.
// testcontainers must not be called before it did: on a DOCKER_HOST that accepts
// and never answers it hangs for ever.
func dockerAnswers(ctx context.Context, host string, limit time.Duration) (string, bool) {
	if host == "" {
		host = "unix:///var/run/docker.sock"
	}
	u, err := url.Parse(host)
	if err != nil {
		return host, false
	}
	network, address := u.Scheme, u.Host
	switch u.Scheme {
	case "unix":
		address = u.Path
	case "tcp", "http":
		network = "tcp"
	default:
		return host, false // ssh and the like: not worth more code here
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/_ping", http.NoBody)
	if err != nil {
		return host, false
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return host, false
	}
	_ = resp.Body.Close()
	return host, resp.StatusCode == http.StatusOK
}

// startContainer runs PostgreSQL in a container, without a care for its data.
func startContainer(ctx context.Context) (server, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute) // the image may have to be pulled
	defer cancel()
	c, err := postgres.Run(ctx, image,
		testcontainers.WithCmdArgs("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=300"),
		postgres.BasicWaitStrategies(),
	)
	stop := func() error { return testcontainers.TerminateContainer(c) }
	if err != nil {
		_ = stop()
		return server{}, err
	}
	address, err := c.ConnectionString(ctx, "sslmode=disable")
	if err != nil {
		_ = stop()
		return server{}, err
	}
	return server{url: address, stop: stop, migrated: new(templateOnce)}, nil
}
