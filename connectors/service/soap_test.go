package service

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// decodeSOAP reads the settings of a connection to a service of SOAP.
func decodeSOAP(text string) (*SOAPConnection, document.Diagnostics) {
	var r document.Report
	c := new(SOAPConnection)
	d := document.Decoder{Report: &r, Resolver: document.ResolverFunc(func(ref document.Reference) (string, bool, error) {
		if ref.Name == "SECRET" {
			return canary, true, nil
		}
		return "", false, errors.New("is not set")
	})}
	for _, doc := range document.Parse("tieout.yaml", []byte(text), &r) {
		d.Decode(doc.Root, c)
	}
	return c, r.Diagnostics()
}

func (s *service) soap(t *testing.T, yaml, spool string) connectors.Source {
	t.Helper()
	c, found := decodeSOAP(strings.ReplaceAll(yaml, "URL", s.URL))
	if found.Errors() > 0 {
		t.Fatalf("the settings are wrong: %v", found)
	}
	src, err := newSource(connectors.Env{Now: s.clock.now, Limits: connectors.DefaultLimits(), Spool: spool}, c.settings(), newShelf(), s.clock.tools())
	if err != nil {
		t.Fatal(err)
	}
	return src
}

const voyager = `base_url: URL/ws/Itf.asmx
namespace: http://tempuri.org/Itf
config: {user: u<1>, password: "${secret:SECRET}"}
streams:
  items:
    request:
      operation: GetTransactions
      body: { UserName: =config.user, Password: =config.password, From: =cursor.from, Platform: SQL Server, Empty: null }
    records: Property/RT_Customer/Transactions/*/Detail
    carry: { kind: ..name, customer: ../../../CustomerID }
`

// around puts a document where an answer of SOAP has it.
func answered(inner string) string {
	return `<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header><x>1</x></soap:Header><soap:Body><GetTransactionsResponse xmlns="http://tempuri.org/Itf"><GetTransactionsResult>` +
		inner + `</GetTransactionsResult></GetTransactionsResponse></soap:Body></soap:Envelope>`
}

const transactions = `<ResidentTransactions xmlns=""><Property><ID>p</ID><RT_Customer><CustomerID>t1</CustomerID><Transactions><Charge><Detail><Amount>1450.00</Amount></Detail></Charge><Payment><Detail><Amount>-0.10</Amount></Detail></Payment></Transactions></RT_Customer></Property></ResidentTransactions>`

// The envelope of a request is what a service expects, byte for byte.
func TestSOAPRequest(t *testing.T) {
	const op = `<GetTransactions xmlns="http://tempuri.org/Itf"><UserName>u&lt;1&gt;</UserName><Password>c4n&quot;4 ry%+</Password><Platform>SQL Server</Platform><Empty/></GetTransactions>`
	const open11, open12, end = `<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">`, `<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope">`, `</soap:Envelope>`
	const token = `<wsse:Security soap:mustUnderstand="1" xmlns:wsse="` + wsse + `" xmlns:wsu="` + wsu + `"><wsse:UsernameToken><wsse:Username>me</wsse:Username><wsse:Password Type="` + tokenType
	tests := map[string]struct{ more, action, kind, body string }{
		"1.1": {"", `"http://tempuri.org/Itf/GetTransactions"`, "text/xml; charset=utf-8", open11 + `<soap:Body>` + op + `</soap:Body>` + end},
		"1.2": {"version: \"1.2\"\n", "", `application/soap+xml; charset=utf-8; action="http://tempuri.org/Itf/GetTransactions"`, open12 + `<soap:Body>` + op + `</soap:Body>` + end},
		"a password in the header": {"security: {user: me, password: \"${secret:SECRET}\"}\n", `"http://tempuri.org/Itf/GetTransactions"`, "text/xml; charset=utf-8",
			open11 + `<soap:Header>` + token + `PasswordText">c4n&quot;4 ry%+</wsse:Password></wsse:UsernameToken></wsse:Security></soap:Header><soap:Body>` + op + `</soap:Body>` + end},
		"a digest": {"security: {user: me, password: \"${secret:SECRET}\", digest: true}\n", `"http://tempuri.org/Itf/GetTransactions"`, "text/xml; charset=utf-8",
			open11 + `<soap:Header>` + token + `PasswordDigest">xCYtvbFYfb+CpDNctiPvG54ZtEA=</wsse:Password><wsse:Nonce EncodingType="` + nonceType + `">gICAgICAgICAgICAgICAgA==</wsse:Nonce><wsu:Created>2026-11-21T08:00:00Z</wsu:Created></wsse:UsernameToken></wsse:Security></soap:Header><soap:Body>` + op + `</soap:Body>` + end},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got := []string{r.Method, r.URL.Path, r.Header.Get("SOAPAction"), r.Header.Get("Content-Type"), string(body)}
				if diff := cmp.Diff([]string{"POST", "/ws/Itf.asmx", test.action, test.kind, test.body}, got); diff != "" {
					t.Errorf("request (-want +got):\n%s", diff)
				}
				_, _ = io.WriteString(w, answered(transactions))
			})
			out, err := readStream(s.soap(t, test.more+voyager, t.TempDir()), connectors.Read{})
			want := []string{`{"kind":"Charge","customer":"t1","Amount":"1450.00"}`, `{"kind":"Payment","customer":"t1","Amount":"-0.10"}`}
			if diff := cmp.Diff(want, out.rows); err != nil || diff != "" {
				t.Errorf("%v, records (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestSOAPReplies(t *testing.T) {
	fault := func(version, inner string) string {
		return `<s:Envelope xmlns:s="` + version + `"><s:Body><s:Fault>` + inner + `</s:Fault></s:Body></s:Envelope>`
	}
	login := `<faultcode>soap:Server</faultcode><faultstring>Login failed for ` + canary + `</faultstring>`
	tests := map[string]struct {
		status int
		body   string
		rules  string
		rows   int
		words  string
		kind   error
	}{
		"a fault":                  {500, fault(envelope11, login), "", 0, `said "soap:Server: Login failed for ***"`, connectors.ErrEnvironment},
		"a fault in a 200":         {200, fault(envelope11, login), "", 0, `status 200 (OK) and said "soap:Server: Login failed for ***"`, connectors.ErrEnvironment},
		"a fault of 1.2":           {400, fault(envelope12, `<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>m:Busy</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">Wait a bit</s:Text></s:Reason>`), "", 0, `said "m:Busy: Wait a bit"`, connectors.ErrEnvironment},
		"a fault, by a rule":       {500, fault(envelope11, login), `{status: 500, is: bug}`, 0, `said "soap:Server: Login failed for ***"`, connectors.ErrData},
		"a fault that may pass":    {500, fault(envelope11, `<faultcode>Server</faultcode><faultstring>Deadlock</faultstring>`), `{if: '=reply.body.Fault.faultstring contains "Deadlock"', is: retry, message: =reply.body.Fault.faultstring}`, 0, `said "Deadlock" (tried 6 times)`, connectors.ErrEnvironment},
		"a fault that is nothing":  {500, fault(envelope11, `<faultcode>Server</faultcode><faultstring>No rows</faultstring>`), `{if: '=reply.body.Fault.faultstring == "No rows"', is: empty}`, 0, "", nil},
		"credentials in a text":    {200, answered("Login failed. Please check"), `{if: '=reply.text contains "Login failed"', is: stop}`, 0, "check the credentials", connectors.ErrEnvironment},
		"a text nobody knows":      {200, answered("Login failed. Please check"), "", 0, `no element "Property"`, connectors.ErrData},
		"messages":                 {200, answered(`<Messages><Message messageType="Error">No</Message></Messages>`), `{if: '=reply.body.Messages.Message["@messageType"] == "Error"', is: bug, message: '=reply.body.Messages.Message["#text"]'}`, 0, `said "No"`, connectors.ErrData},
		"messages nobody knows":    {200, answered(`<Messages><Message messageType="Error">No</Message></Messages>`), "", 0, `no element "Property"`, connectors.ErrData},
		"none":                     {200, answered(`<ResidentTransactions/>`), "", 0, "", nil},
		"none at all":              {200, answered(``), "", 0, "", nil},
		"some":                     {200, answered(transactions), "", 2, "", nil},
		"cut off":                  {200, answered(transactions)[:400], "", 0, "not sound XML", connectors.ErrEnvironment},
		"not XML":                  {200, `{"a":1}`, "", 0, "not sound XML", connectors.ErrEnvironment},
		"a web page":               {200, `<html><body>Maintenance`, "", 0, "a web page instead of XML", connectors.ErrEnvironment},
		"an error without a fault": {500, "boom", "", 0, "tried 6 times", connectors.ErrEnvironment},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, dir := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/xml; charset=utf-8")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}), t.TempDir()
			yaml := voyager
			if test.rules != "" {
				yaml = "replies: [" + test.rules + "]\n" + yaml
			}
			out, err := readStream(s.soap(t, yaml, dir), connectors.Read{})
			if test.words != "" {
				wantNothing(t, out, err, test.kind, test.words, dir)
				if strings.HasPrefix(name, "a fault") && test.rules == "" && !strings.Contains(err.Error(), "net.reply: ") {
					t.Errorf("%v has not the code of a reply", err)
				}
				return
			}
			if err != nil || len(out.rows) != test.rows {
				t.Errorf("%d rows, %v", len(out.rows), err)
			}
		})
	}
}

// Tables of .NET come as diffgrams, or as a document that is a text.
func TestSOAPTables(t *testing.T) {
	diffgram := `<xs:schema id="NewDataSet" xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="Table"/></xs:schema><diffgr:diffgram xmlns:msdata="urn:schemas-microsoft-com:xml-msdata" xmlns:diffgr="urn:schemas-microsoft-com:xml-diffgram-v1"><NewDataSet><Table diffgr:id="Table1" msdata:rowOrder="0" diffgr:hasChanges="inserted"><ID>1</ID></Table><Table diffgr:id="Table2" msdata:rowOrder="1"><ID>2</ID></Table></NewDataSet><diffgr:before><Table><ID>9</ID></Table></diffgr:before></diffgr:diffgram>`
	inside := `&lt;NewDataSet&gt;&lt;Table&gt;&lt;ID&gt;1&lt;/ID&gt;&lt;/Table&gt;&lt;Table&gt;&lt;ID&gt;2&lt;/ID&gt;&lt;/Table&gt;&lt;/NewDataSet&gt;`
	for name, test := range map[string]struct{ stream, body string }{
		"a diffgram":        {"records: diffgram/NewDataSet/Table", answered(diffgram)},
		"the whole path":    {"records: Envelope/Body/GetTransactionsResponse/GetTransactionsResult/diffgram/NewDataSet/Table", answered(diffgram)},
		"escaped":           {"inside: GetTransactionsResult, records: NewDataSet/Table", answered(inside)},
		"escaped, in CDATA": {"inside: GetTransactionsResult, records: Table", answered("<![CDATA[<NewDataSet><Table><ID>1</ID></Table><Table><ID>2</ID></Table></NewDataSet>]]>")},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, typed("text/xml", test.body))
			out, err := readStream(s.soap(t, "base_url: URL\nstreams: {items: {request: {operation: GetTransactions}, "+test.stream+"}}", t.TempDir()), connectors.Read{})
			if err != nil || strings.Join(out.rows, " ") != `{"ID":"1"} {"ID":"2"}` {
				t.Errorf("%v, %v", out.rows, err)
			}
		})
	}
	s := serve(t, typed("text/xml", fmt.Sprintf(`<s:Envelope xmlns:s="%s"><s:Body><s:Fault><faultstring>No</faultstring></s:Fault></s:Body></s:Envelope>`, envelope11)))
	_, err := readStream(s.soap(t, "base_url: URL\nstreams: {items: {request: {operation: Get}, inside: Result, records: Table}}", ""), connectors.Read{})
	if err == nil || !strings.Contains(err.Error(), `said "No"`) {
		t.Errorf("error %v", err)
	}
}

func TestWrongSOAPSettings(t *testing.T) {
	for stream, want := range map[string]string{
		"request: {operation: Get, body: {a: 1}}":        "",
		"request: {body: {a: 1}}":                        `yaml.missing_key`,
		"request: {operation: 'a b'}":                    `yaml.wrong_type "a b" is no name of an operation`,
		"request: {operation: a:b}":                      `yaml.wrong_type`,
		"request: {operation: Get, body: [1]}":           `yaml.wrong_shape "body" takes keys and values`,
		"request: {operation: Get, header: {'@a': 1}}":   `yaml.wrong_shape "@a" is no name`,
		"request: {operation: Get, body: {'@a': 1}}":     "",
		"request: {operation: Get, method: POST}":        `yaml.unknown_key`,
		"request: {operation: Get, body: {a: =confg.x}}": `expr.unknown_field`,
	} {
		_, found := decodeSOAP("base_url: https://a.example.com/v1\nstreams: {items: {" + stream + "}}")
		if text := fmt.Sprint(found); want == "" && len(found) > 0 || !strings.Contains(text, want) {
			t.Errorf("%s: %s, want %q", stream, text, want)
		}
	}
}
