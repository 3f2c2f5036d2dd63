package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"momentcast/internal/app"
)

// maxSecret is far above any secret; what is larger is the wrong file.
const maxSecret = 64 << 10

// secretFile resolves a secret from the file that its variable with _FILE at
// the end names: variables show in process lists and are inherited by children.
func secretFile(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Target.Type() != reflect.TypeFor[app.Secret]() {
		return nil, nil
	}
	for _, env := range flag.Envs {
		path := os.Getenv(env + "_FILE")
		if path == "" {
			continue
		}
		if os.Getenv(env) != "" {
			return nil, fmt.Errorf("%s and %s_FILE are both set: keep one of them", env, env)
		}
		secret, err := readSecret(path)
		if err != nil {
			return nil, fmt.Errorf("%s_FILE: %w", env, err)
		}
		return secret, nil
	}
	return nil, nil
}

func readSecret(path string) (string, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // only read
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxSecret || bytes.IndexByte(b, 0) >= 0 {
		return "", fmt.Errorf("%s does not look like a secret", path)
	}
	return strings.TrimRight(string(b), "\r\n"), nil // editors end files with a line break
}
