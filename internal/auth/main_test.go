package auth_test

import (
	"testing"

	"go.uber.org/goleak"

	"momentcast/internal/postgres/postgrestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(postgrestest.Wrap(m)) }
