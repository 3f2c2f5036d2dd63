package api_test

import (
	"testing"

	"momentcast/internal/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }
