package project

import "crypto/sha256"

// A source that is read in stretches of time leaves out those that are too
// old. A record of one it did not read is not gone, so each line of a snapshot
// then holds, between its head and its record, windowMark and a hash that
// names the stretch. A record itself begins with a brace.
const (
	windowMark  = 'w'
	windowBytes = 1 + 8
)

func windowHash(name string) []byte {
	sum := sha256.Sum256([]byte(name))
	return append([]byte{windowMark}, sum[:windowBytes-1]...)
}

// locate takes note of the stretch a row of the batch belongs to.
func (r *compareReader) locate(row int32) {
	if r.windows != nil {
		r.window = windowHash(r.windows.Windows()[row])
	}
}

// readWindows are the hashes of the stretches that were read.
func (r *compareReader) readWindows() map[string]bool {
	read := make(map[string]bool)
	if r.windows != nil {
		for _, name := range r.windows.ReadWindows() {
			read[string(windowHash(name))] = true
		}
	}
	return read
}

// splitWindow parts the hash of a stretch, "" for none, from a record.
func splitWindow(line []byte) (window string, record []byte) {
	if len(line) >= windowBytes && line[0] == windowMark {
		return string(line[:windowBytes]), line[windowBytes:]
	}
	return "", line
}
