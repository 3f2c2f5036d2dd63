// Package localpg runs a private PostgreSQL server as a child process, for a
// first look (momentcast demo), for a single-machine serve without a database
// of its own, and for tests. It needs the server's binaries on the machine and
// nothing else: no root, no system service, no port.
//
// What must stay true, whoever is killed and when:
//
//   - One owner per data directory. The owner holds a lock on DataDir/lock; the
//     kernel lets go of it when the owner dies, however it dies.
//   - No server outlives its owner. On Linux the kernel itself tells the server
//     to stop when its parent dies; elsewhere the next owner stops the orphan.
//   - No second server beside an earlier one's processes: that corrupts a
//     cluster. A new owner waits until the last of them is gone, and only then
//     removes the lock files they left.
//   - No half-made cluster. initdb works in a directory of its own that is
//     renamed when complete.
//   - An existing cluster is never run by, or overwritten for, another major
//     version: its PG_VERSION chooses the binaries.
//
// Layout of DataDir: lock (who owns it), pg (the cluster), run (the socket).
// Whoever may connect to the socket is a superuser; the socket's directory is
// closed to all but the server's user and root.
package localpg
