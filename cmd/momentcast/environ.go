package main

import (
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"momentcast/internal/app"
)

// prefix begins the name of every setting in the environment.
const prefix = "MOMENTCAST_"

// unsetEmpty drops settings that are empty: compose files and unit files pass
// on what is not set that way. Empty quiet hours mean none.
func unsetEmpty() {
	for _, e := range os.Environ() {
		name, value, _ := strings.Cut(e, "=")
		if value == "" && strings.HasPrefix(name, prefix) && name != prefix+"QUIET_HOURS" {
			_ = os.Unsetenv(name)
		}
	}
}

// others are settings that no flag of this command line has.
var others = []string{
	"BOOTSTRAP_ADMIN", "SECRET_KEY", "SECRET_KEY_FILE", // of pages to come; may be set already
	"TEST_DATABASE_URL", // of tests
}

// unknownSettings lists the variables of the environment that look like
// settings and are none, such as misspelt ones.
func unknownSettings(environ []string, model *kong.Application) []string {
	known := map[string]bool{}
	for _, name := range others {
		known[prefix+name] = true
	}
	_ = kong.Visit(model, func(node kong.Visitable, next kong.Next) error {
		if v, ok := node.(*kong.Flag); ok {
			for _, env := range v.Envs {
				known[env] = true
				known[env+"_FILE"] = known[env+"_FILE"] || v.Target.Type() == reflect.TypeFor[app.Secret]()
			}
		}
		return next(nil)
	})
	var unknown []string
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		own, ours := strings.CutPrefix(name, prefix)
		// Kubernetes sets the latter two for a service that is called momentcast.
		if ours && !known[name] && !strings.HasPrefix(own, "SERVICE_") && !strings.HasPrefix(own+"_", "PORT_") {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}
