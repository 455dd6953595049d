package memory

import (
	"sync"

	"github.com/tieout/tieout/connectors"
)

// Row is one record: the canonical text of each field that has a value.
type Row map[string]string

// Faults make the sink fail.
type Faults struct {
	// FailWrite fails the write of that number, counted from 1 over the life
	// of the database, as a target that cannot be reached.
	FailWrite int
	// RefuseKey refuses the record whose key, or whose first field when the
	// load has no key, is this text.
	RefuseKey string
	// LoseCommit carries the next commit out and loses the answer.
	LoseCommit bool
}

// Database holds streams, positions and the proofs of loads. It is safe for
// concurrent use.
type Database struct {
	// commits lets one commit or settlement pass at a time; data guards what
	// is below it and is never held while others are called.
	commits sync.Mutex
	data    sync.Mutex

	streams   map[string][]Row
	fields    map[string][]string
	positions map[place]entry
	loads     map[string]connectors.Ledger
	faults    Faults
	writes    int
}

// place names a pipeline's position.
type place struct{ project, environment, pipeline, partition string }

func placeOf(l connectors.Load) place {
	return place{l.Project, l.Environment, l.Pipeline, l.Partition}
}

type entry struct {
	epoch int64
	at    *connectors.Position
}

// New returns an empty database.
func New() *Database {
	return &Database{streams: make(map[string][]Row), fields: make(map[string][]string),
		positions: make(map[place]entry), loads: make(map[string]connectors.Ledger)}
}

// SetFaults arms the faults, and takes back those armed before.
func (d *Database) SetFaults(f Faults) {
	d.data.Lock()
	defer d.data.Unlock()
	d.faults, d.writes = f, 0
}

// Set makes a stream of the fields that holds exactly the rows. The database
// keeps the rows.
func (d *Database) Set(stream string, fields []string, rows ...Row) {
	d.data.Lock()
	defer d.data.Unlock()
	d.fields[stream], d.streams[stream] = fields, rows
}

// Add adds rows to a stream; reads that are open do not see them.
func (d *Database) Add(stream string, rows ...Row) {
	d.data.Lock()
	defer d.data.Unlock()
	before := d.streams[stream]
	d.streams[stream] = append(before[:len(before):len(before)], rows...)
}

// Rows gives the rows of a stream, which the caller must not change.
func (d *Database) Rows(stream string) []Row {
	d.data.Lock()
	defer d.data.Unlock()
	return d.streams[stream]
}

// Source reads the database.
func (d *Database) Source() connectors.Source { return &source{d} }

// Sink writes to the database.
func (d *Database) Sink() connectors.Sink { return &sink{d} }
