package localpg

import (
	"errors"
	"io"
)

// Config says where a server keeps its data and how it runs.
type Config struct {
	// DataDir holds the cluster, its socket and its lock. Created when missing;
	// never shared between two running servers.
	DataDir string
	// BinDir holds postgres and initdb. Empty searches the usual places and
	// takes the version the cluster was made with, or the newest for a new one.
	BinDir string
	// Log receives the server's own log. Nil drops it; the last lines are kept
	// in any case, for the error of a server that does not start.
	Log io.Writer
	// Fast trades safety in a power cut for speed (fsync off). What was committed
	// still survives the death of any process. For tests and throw-away data.
	Fast bool
	// TCP also listens on a free port of 127.0.0.1, and URL names that instead of
	// the socket. No password is asked, so every user of this machine becomes
	// superuser of the cluster: for tests only.
	TCP bool
	// Settings are server parameters such as max_connections. They win over Fast.
	Settings map[string]string
}

// Replication says how a standby follows its primary; the zero value streams
// over the primary's own address, asynchronously, and without a slot.
type Replication struct {
	// Name is the standby's application_name, which synchronous_standby_names of
	// the primary chooses by. Empty means "standby".
	Name string
	// Via is another host:port to reach the primary at, such as a proxy that a
	// test can cut; the primary then needs Config.TCP. Empty is its own address.
	Via string
	// Slot, when given, is made on the primary: it keeps what the standby has not
	// yet had, however long the standby is away.
	Slot string
}

// Errors that a caller may want to answer in its own way. Their texts, wrapped
// with the paths and programs concerned, are written for the person who started
// momentcast.
var (
	// ErrNoBinaries: no PostgreSQL server is installed, or none of the version
	// that an existing cluster needs.
	ErrNoBinaries = errors.New("no PostgreSQL server binaries")
	// ErrInUse: another process owns the data directory.
	ErrInUse = errors.New("in use by another process")
	// ErrNotEnterable: momentcast runs as root, PostgreSQL refuses to, and the
	// user it runs as instead cannot reach the data directory.
	ErrNotEnterable = errors.New("cannot be entered by the user that PostgreSQL runs as")
	// ErrUnsupported: this operating system is not one of those handled here.
	ErrUnsupported = errors.New("a local PostgreSQL is not supported on this operating system: set MOMENTCAST_DATABASE_URL to a server of your own")
)
