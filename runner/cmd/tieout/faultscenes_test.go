package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tieout/tieout/connectors/connectortest/faults"
	"github.com/tieout/tieout/connectors/connectortest/servers"
)

// faultScenes are a sink and a source of each kind behind proxies.
func faultScenes(t *testing.T) []*faulty {
	const sqlite = "connector: sqlite, path: out/books.db"
	sftp, bucket, service := servers.SFTP(t), servers.S3(t), newCharges(t)
	list := []*faulty{postgresFaults(t, servers.Postgres(t)), mysqlFaults(t, servers.MariaDB(t)),
		sftpFaults(t, sftp, func(string) scene { return scene{name: "sftp source", mode: "append", sink: sqlite, dump: dumpSQLite} }),
		sftpFaults(t, sftp, func(settings string) scene { return sftpSink(sftp, settings, "append") }),
		s3Faults(t, bucket, func(servers.Bucket) scene {
			return scene{name: "s3 source", mode: "upsert", sink: sqlite, dump: dumpSQLite}
		}),
		s3Faults(t, bucket, func(through servers.Bucket) scene {
			s := s3Sink(bucket, "append")
			s.sink = through.Settings("DIR") + ", timeout: 1s"
			return s
		}),
		service.faults(t, sqlite)}
	for _, f := range list {
		f.rows = faultRows
	}
	return list
}

func postgresFaults(t *testing.T, address string) *faulty {
	proxy, through := behind(t, address)
	return &faulty{proxy: proxy, kinds: kindsOf(), scene: scene{name: "postgres sink", mode: "append", sink: `connector: postgres, url: "${env:FAULT_URL}"`, env: []string{"FAULT_URL=" + through},
		dump: func(t *testing.T, dir string, h bool) string { return dumpPostgres(t, address, dir, h) }}}
}

func mysqlFaults(t *testing.T, address string) *faulty {
	proxy, through := behind(t, address)
	return &faulty{proxy: proxy, kinds: kindsOf(), scene: scene{name: "mysql sink", mode: "upsert", sink: `connector: mysql, url: "${env:FAULT_MYSQL}"`, env: []string{"FAULT_MYSQL=" + through},
		dump: func(t *testing.T, dir string, h bool) string { return dumpMySQL(t, address, dir, h) }}}
}

// sftpFaults is a scene with a folder behind a proxy. A source gets a folder
// of its own below it; what a sink writes does too.
func sftpFaults(t *testing.T, f servers.SFTPFolder, with func(settings string) scene) *faulty {
	proxy, through := behind(t, f.URL())
	known, err := os.ReadFile(f.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	_, key, _ := strings.Cut(strings.TrimSpace(string(known)), " ")
	host, port, _ := strings.Cut(proxy.Address(), ":")
	settings := fmt.Sprintf("connector: file, path: %q, private_key: %q, known_hosts: %q, timeout: 1s", through, "${file:"+f.PrivateKey+"}", "["+host+"]:"+port+" "+key)
	s := with(settings)
	if s.stream == "" { // a source
		s.from = "DIR/charges.csv"
		s.origin = func(string) string { return settings }
		s.feed = func(t *testing.T, dir, text string) { write(t, f.Path(filepath.Base(dir)), "charges.csv", text) }
	}
	return &faulty{scene: s, proxy: proxy, kinds: kindsOf()}
}

func s3Faults(t *testing.T, b servers.Bucket, with func(through servers.Bucket) scene) *faulty {
	proxy, through := behind(t, b.Endpoint)
	far := b
	far.Endpoint = through
	s := with(far)
	if s.stream == "" { // a source
		s.from = "charges.csv"
		s.origin = func(dir string) string { return far.Settings("in/"+filepath.Base(dir)) + ", timeout: 1s" }
		s.feed = func(t *testing.T, dir, text string) {
			putObject(t, b, "in/"+filepath.Base(dir)+"/charges.csv", text)
		}
	}
	return &faulty{scene: s, proxy: proxy, kinds: kindsOf(faults.Lose)}
}

// chargesService is an API that gives what each project's source holds, page
// by page.
type chargesService struct {
	server *httptest.Server
	mu     sync.Mutex
	held   map[string][]map[string]string // by project
}

func newCharges(t *testing.T) *chargesService {
	s := &chargesService{held: make(map[string][]map[string]string)}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

const chargesPage = 200

// ServeHTTP gives one page of the records at or after a stamp.
func (s *chargesService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	since, _ := strconv.Atoi(r.URL.Query().Get("since"))
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	s.mu.Lock()
	defer s.mu.Unlock()
	items := []map[string]string{}
	for _, c := range s.held[strings.Trim(r.URL.Path, "/")] {
		if at, _ := strconv.Atoi(c["updated"]); at >= since {
			items = append(items, c)
		}
	}
	from := min(max(0, page-1)*chargesPage, len(items)) // a request that lost some bytes may say anything
	text, _ := json.Marshal(map[string]any{"items": items[from:min(from+chargesPage, len(items))], "pages": (len(items) + chargesPage - 1) / chargesPage})
	w.Header().Set("Content-Type", "application/json")
	w.Write(text)
}

func (s *chargesService) hold(project, text string) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	names := strings.Split(lines[0], ",")
	var list []map[string]string
	for _, line := range lines[1:] {
		c := make(map[string]string)
		for i, v := range strings.Split(line, ",") {
			c[names[i]] = v
		}
		list = append(list, c)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[project] = list
}

// faults is a scene that reads from the service.
func (s *chargesService) faults(t *testing.T, sink string) *faulty {
	proxy, through := behind(t, s.server.URL)
	return &faulty{proxy: proxy, kinds: kindsOf(faults.Lose), scene: scene{name: "http source", mode: "append", sink: sink, dump: dumpSQLite, from: "charges",
		feed: func(_ *testing.T, dir, text string) { s.hold(filepath.Base(dir), text) },
		origin: func(dir string) string {
			return fmt.Sprintf(`connector: http, base_url: %q, idle: 1s, streams: { charges: { request: { path: /%s, query: { page: =page.number, since: =cursor.from } }, records: items, page: { by: number, until: =page.number >= reply.body.pages }, cursor: { field: updated } } }`, through, filepath.Base(dir))
		}}}
}
