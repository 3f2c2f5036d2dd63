package app

import "testing"

func TestProfilesAreForPrivateAddressesOnly(t *testing.T) {
	t.Parallel()
	for addr, fine := range map[string]bool{
		"127.0.0.1:6060": true, "localhost:6060": true, "[::1]:6060": true, "10.1.2.3:6060": true, "192.168.0.9:0": true,
		":6060": false, "0.0.0.0:6060": false, "[::]:6060": false, "8.8.8.8:6060": false, "momentcast.example:6060": false, "6060": false,
	} {
		if why := checkDebugAddr(addr); (why == "") != fine {
			t.Errorf("%s: %q", addr, why)
		}
	}
}
