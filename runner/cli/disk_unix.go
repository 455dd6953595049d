//go:build unix

package cli

import "golang.org/x/sys/unix"

// freeBytes is the room left where a folder is.
func freeBytes(dir string) (uint64, bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}
