package document

import (
	"embed"
	"slices"
	"strings"
)

// The codes of every finding the product can report. A code is never renamed or
// reused; its help page is in help/<area>.md under a heading of the same name.
const (
	CodeYAMLSyntax          Code = "yaml.syntax"
	CodeTab                 Code = "yaml.tab"
	CodeUnclosedQuote       Code = "yaml.unclosed_quote"
	CodeUnclosedBracket     Code = "yaml.unclosed_bracket"
	CodeTextAfterQuote      Code = "yaml.text_after_quote"
	CodeColonInText         Code = "yaml.colon_in_text"
	CodeMissingBlank        Code = "yaml.missing_blank"
	CodeFlowSplit           Code = "yaml.flow_split"
	CodeReservedCharacter   Code = "yaml.reserved_character"
	CodeLostNot             Code = "yaml.lost_not"
	CodeTag                 Code = "yaml.tag"
	CodeAnchor              Code = "yaml.anchor"
	CodeDuplicateKey        Code = "yaml.duplicate_key"
	CodeSecondDocument      Code = "yaml.second_document"
	CodeTooDeep             Code = "yaml.too_deep"
	CodeTooLarge            Code = "yaml.too_large"
	CodeTooMany             Code = "yaml.too_many"
	CodeEncoding            Code = "yaml.encoding"
	CodeControlCharacter    Code = "yaml.control_character"
	CodeEmptyDocument       Code = "yaml.empty_document"
	CodeNotAMapping         Code = "yaml.not_a_mapping"
	CodeKeyNotText          Code = "yaml.key_not_text"
	CodeUnknownKey          Code = "yaml.unknown_key"
	CodeMisplacedKey        Code = "yaml.misplaced_key"
	CodeMissingKey          Code = "yaml.missing_key"
	CodeEmptyValue          Code = "yaml.empty_value"
	CodeWrongShape          Code = "yaml.wrong_shape"
	CodeWrongType           Code = "yaml.wrong_type"
	CodeBadChoice           Code = "yaml.bad_choice"
	CodeBooleanWord         Code = "yaml.boolean_word"
	CodeUnquotedDate        Code = "yaml.unquoted_date"
	CodeOneKey              Code = "yaml.one_key"
	CodeReferenceSyntax     Code = "yaml.reference_syntax"
	CodeReferenceMissing    Code = "yaml.reference_missing"
	CodeReferenceNotAllowed Code = "yaml.reference_not_allowed"
	CodeSecretNotAllowed    Code = "yaml.secret_not_allowed"
	CodeSecretInFile        Code = "yaml.secret_in_file"
	CodeSchedule            Code = "yaml.schedule"
	CodeHolidays            Code = "yaml.holidays"
	CodeCycle               Code = "yaml.cycle"
	CodeTimezone            Code = "yaml.timezone"

	CodeExprSyntax          Code = "expr.syntax"
	CodeExprUnknownField    Code = "expr.unknown_field"
	CodeExprUnknownFunction Code = "expr.unknown_function"
	CodeExprType            Code = "expr.type"
	CodeExprArguments       Code = "expr.arguments"
	CodeExprDateSubtraction Code = "expr.date_subtraction"
	CodeExprAssignment      Code = "expr.assignment"
	CodeExprQuotesEaten     Code = "expr.quotes_eaten"
	CodeExprCommentCut      Code = "expr.comment_cut"
	CodeExprTooLarge        Code = "expr.too_large"
	CodeExprFloat           Code = "expr.float"
	CodeExprDivision        Code = "expr.division_by_zero"
	CodeExprValue           Code = "expr.value"

	CodeSourceUnknownConnection Code = "source.unknown_connection"
	CodeSourceUnknownStream     Code = "source.unknown_stream"
	CodeSourceMissingColumn     Code = "source.missing_column"
	CodeSourceUnknownType       Code = "source.unknown_type"
	CodeSourceBadValue          Code = "source.bad_value"
	CodeSourceRagged            Code = "source.ragged"
	CodeSourceTooLong           Code = "source.too_long"
	CodeSourceEncoding          Code = "source.encoding"
	CodeSourceCursor            Code = "source.cursor"
	CodeSourceAppendLookback    Code = "source.append_lookback"
	CodeSourceDrift             Code = "source.drift"
	CodeSourceFloatAmount       Code = "source.float_amount"
	CodeSourceDamaged           Code = "source.damaged"

	CodeStepUnknown        Code = "step.unknown"
	CodeStepMissingField   Code = "step.missing_field"
	CodeStepDuplicateField Code = "step.duplicate_field"
	CodeStepLookupMissing  Code = "step.lookup_missing"
	CodeStepLookupMany     Code = "step.lookup_many"
	CodeStepLinkMissing    Code = "step.link_missing"
	CodeStepLookupFile     Code = "step.lookup_file"
	CodeStepGroupIncrement Code = "step.group_increment"
	CodeStepAllocate       Code = "step.allocate"
	CodeStepType           Code = "step.type"

	CodeRuleFailed        Code = "rule.failed"
	CodeRuleNil           Code = "rule.nil"
	CodeRuleDuplicateName Code = "rule.duplicate_name"

	CodeGateBlocked     Code = "gate.blocked"
	CodeGateRecords     Code = "gate.records"
	CodeGateQuarantined Code = "gate.quarantined"
	CodeGateUnique      Code = "gate.unique"
	CodeGateNotNull     Code = "gate.not_null"
	CodeGateReferences  Code = "gate.references"
	CodeGateFresh       Code = "gate.fresh"
	CodeGateTotals      Code = "gate.totals"
	CodeGateBalanced    Code = "gate.balanced"
	CodeGateChange      Code = "gate.change"
	CodeGateOpenPeriod  Code = "gate.open_period"
	CodeGateEmpty       Code = "gate.empty"
	CodeGateMissing     Code = "gate.missing"

	CodeSinkUnknownConnection Code = "sink.unknown_connection"
	CodeSinkMissingKey        Code = "sink.missing_key"
	CodeSinkMode              Code = "sink.mode"
	CodeSinkDigitsLost        Code = "sink.digits_lost"
	CodeSinkMissingColumn     Code = "sink.missing_column"
	CodeSinkType              Code = "sink.type"
	CodeSinkAffinity          Code = "sink.affinity"
	CodeSinkRefused           Code = "sink.refused"
	CodeSinkPoison            Code = "sink.poison"
	CodeSinkPermission        Code = "sink.permission"
	CodeSinkDuplicateKey      Code = "sink.duplicate_key"
	CodeSinkMissing           Code = "sink.missing"
	CodeSinkWhere             Code = "sink.where"
	CodeSinkOlder             Code = "sink.older"
	CodeSinkAmbiguous         Code = "sink.ambiguous_time"
	CodeSinkUnsettled         Code = "sink.unsettled"
	CodeSinkUnprotected       Code = "sink.unprotected"

	CodeStateLocked        Code = "state.locked"
	CodeStateNewer         Code = "state.newer"
	CodeStateCorrupt       Code = "state.corrupt"
	CodeStateCursorChanged Code = "state.cursor_changed"
	CodeStateMissing       Code = "state.missing"
	CodeStateServing       Code = "state.serving"
	CodeStateClock         Code = "state.clock"

	CodeRunFailed      Code = "run.failed"
	CodeRunFenced      Code = "run.fenced"
	CodeRunInterrupted Code = "run.interrupted"
	CodeRunBalance     Code = "run.balance"
	CodeRunBudget      Code = "run.budget"
	CodeRunTimeout     Code = "run.timeout"
	CodeRunAlert       Code = "run.alert"
	CodeRunUsage       Code = "run.usage"
	CodeRunOutput      Code = "run.output"
	CodeRunFormat      Code = "run.format"
	CodeRunNoRoom      Code = "run.no_room"

	CodeAuthSecretMissing Code = "auth.secret_missing"
	CodeAuthConsent       Code = "auth.consent"
	CodeAuthRefused       Code = "auth.refused"
	CodeAuthVault         Code = "auth.vault"

	CodeNetUnreachable Code = "net.unreachable"
	CodeNetRefused     Code = "net.refused"
	CodeNetReply       Code = "net.reply"
)

// CodeInfo is one row of the table of codes.
type CodeInfo struct {
	Code    Code
	Summary string // what is wrong, one line in lower case
	Help    string // Markdown: meaning, a wrong example, the corrected one, the next step
}

//go:embed help/*.md
var helpPages embed.FS

// Area is the part of the code before the dot.
func (c Code) Area() string {
	area, _, _ := strings.Cut(string(c), ".")
	return area
}

// CodeTable lists every code, grouped by area, with its help page.
func CodeTable() []CodeInfo {
	table := codeSummaries()
	pages := make(map[string]map[string]string)
	for i := range table {
		area := table[i].Code.Area()
		if pages[area] == nil {
			pages[area] = helpSections(area)
		}
		table[i].Help = pages[area][string(table[i].Code)]
	}
	return table
}

// LookupCode finds one row of the table.
func LookupCode(code Code) (CodeInfo, bool) {
	for _, row := range codeSummaries() {
		if row.Code == code {
			row.Help = helpSections(code.Area())[string(code)]
			return row, true
		}
	}
	return CodeInfo{}, false
}

// CodesWithArea lists the codes of one area; the tests of the package that emits
// them prove that each has a case.
func CodesWithArea(area string) []Code {
	var codes []Code
	for _, row := range codeSummaries() {
		if row.Code.Area() == area {
			codes = append(codes, row.Code)
		}
	}
	return codes
}

// helpSections splits a help file at its "## code" headings.
func helpSections(area string) map[string]string {
	raw, err := helpPages.ReadFile("help/" + area + ".md")
	if err != nil {
		return nil
	}
	sections := make(map[string]string)
	for _, part := range strings.Split("\n"+string(raw), "\n## ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		sections[strings.TrimSpace(name)] = strings.TrimSpace(body)
	}
	return sections
}

func codeSummaries() []CodeInfo {
	return slices.Concat(documentCodes(), recordCodes(), deliveryCodes())
}

func documentCodes() []CodeInfo {
	return []CodeInfo{
		{Code: CodeYAMLSyntax, Summary: "the file is not well-formed YAML"},
		{Code: CodeTab, Summary: "a tab stands where YAML needs blanks"},
		{Code: CodeUnclosedQuote, Summary: "a quote is opened and never closed"},
		{Code: CodeUnclosedBracket, Summary: "a { or [ is opened and never closed"},
		{Code: CodeTextAfterQuote, Summary: "text follows a closing quote"},
		{Code: CodeColonInText, Summary: "a colon and a blank inside unquoted text"},
		{Code: CodeMissingBlank, Summary: "a key's colon has no blank behind it"},
		{Code: CodeFlowSplit, Summary: "a comma or bracket cut an expression inside { } or [ ]"},
		{Code: CodeReservedCharacter, Summary: "unquoted text begins with a character YAML keeps for itself"},
		{Code: CodeLostNot, Summary: "YAML took the ! for a tag and lost it"},
		{Code: CodeTag, Summary: "tags are not used"},
		{Code: CodeAnchor, Summary: "anchors, aliases and merges are not used"},
		{Code: CodeDuplicateKey, Summary: "a key is written twice"},
		{Code: CodeSecondDocument, Summary: "a second document where one is expected"},
		{Code: CodeTooDeep, Summary: "nested more than 64 levels deep"},
		{Code: CodeTooLarge, Summary: "more than 4 MiB or 200,000 values in one file"},
		{Code: CodeTooMany, Summary: "more than 1,000 problems in one file"},
		{Code: CodeEncoding, Summary: "bytes that are not UTF-8 text"},
		{Code: CodeControlCharacter, Summary: "an invisible control character"},
		{Code: CodeEmptyDocument, Summary: "the document holds nothing"},
		{Code: CodeNotAMapping, Summary: "a document is a list of keys and values"},
		{Code: CodeKeyNotText, Summary: "a key must be plain text"},
		{Code: CodeUnknownKey, Summary: "a key that is not known here"},
		{Code: CodeMisplacedKey, Summary: "a key that belongs elsewhere"},
		{Code: CodeMissingKey, Summary: "a key that must be given"},
		{Code: CodeEmptyValue, Summary: "a key without a value"},
		{Code: CodeWrongShape, Summary: "a list, mapping or single value where another shape is expected"},
		{Code: CodeWrongType, Summary: "a value that cannot be read as its type"},
		{Code: CodeBadChoice, Summary: "a value that is not one of the choices"},
		{Code: CodeBooleanWord, Summary: "yes, no, on or off where true or false is meant"},
		{Code: CodeUnquotedDate, Summary: "a date where another kind of value is expected"},
		{Code: CodeOneKey, Summary: "exactly one key is expected"},
		{Code: CodeReferenceSyntax, Summary: "a reference that cannot be read"},
		{Code: CodeReferenceMissing, Summary: "a reference to something that is not there"},
		{Code: CodeReferenceNotAllowed, Summary: "a reference outside the settings"},
		{Code: CodeSecretNotAllowed, Summary: "a secret in a setting that is shown"},
		{Code: CodeSecretInFile, Summary: "a secret written into the file"},
		{Code: CodeSchedule, Summary: "a schedule, retry or deadline that cannot work"},
		{Code: CodeHolidays, Summary: "a file of holidays that cannot be used"},
		{Code: CodeCycle, Summary: "pipelines that wait for one another"},
		{Code: CodeTimezone, Summary: "a time zone that does not exist"},
	}
}

func recordCodes() []CodeInfo {
	return []CodeInfo{
		{Code: CodeExprSyntax, Summary: "the expression cannot be read"},
		{Code: CodeExprUnknownField, Summary: "there is no such field"},
		{Code: CodeExprUnknownFunction, Summary: "there is no such function"},
		{Code: CodeExprType, Summary: "an operator or function is given the wrong type"},
		{Code: CodeExprArguments, Summary: "a function is given too few or too many arguments"},
		{Code: CodeExprDateSubtraction, Summary: `a date without date("…") is a subtraction`},
		{Code: CodeExprAssignment, Summary: "= where == is meant"},
		{Code: CodeExprQuotesEaten, Summary: "YAML took the quotes of a text"},
		{Code: CodeExprCommentCut, Summary: "a # cut the expression"},
		{Code: CodeExprTooLarge, Summary: "the expression is too large or nested too deeply"},
		{Code: CodeExprFloat, Summary: "an inexact number in an exact calculation"},
		{Code: CodeExprDivision, Summary: "a record divides by zero"},
		{Code: CodeExprValue, Summary: "a function cannot work with a record's value"},
		{Code: CodeSourceUnknownConnection, Summary: "the connection is not declared"},
		{Code: CodeSourceUnknownStream, Summary: "the connection has no such stream"},
		{Code: CodeSourceMissingColumn, Summary: "a column the pipeline needs is not there"},
		{Code: CodeSourceUnknownType, Summary: "there is no such field type"},
		{Code: CodeSourceBadValue, Summary: "a value cannot be read as its declared type"},
		{Code: CodeSourceRagged, Summary: "a row has too few or too many cells"},
		{Code: CodeSourceTooLong, Summary: "a value or row is longer than allowed"},
		{Code: CodeSourceEncoding, Summary: "the file is not in the declared encoding"},
		{Code: CodeSourceCursor, Summary: "the cursor cannot be used"},
		{Code: CodeSourceAppendLookback, Summary: "lookback would append records twice"},
		{Code: CodeSourceDrift, Summary: "the source's fields changed"},
		{Code: CodeSourceFloatAmount, Summary: "an inexact number feeds an amount"},
		{Code: CodeSourceDamaged, Summary: "a file or what a tap prints is cut short, broken, or not what it should be"},
		{Code: CodeStepUnknown, Summary: "there is no such step"},
		{Code: CodeStepMissingField, Summary: "a step uses a field that is not there"},
		{Code: CodeStepDuplicateField, Summary: "a step makes a field twice"},
		{Code: CodeStepLookupMissing, Summary: "a lookup found no row"},
		{Code: CodeStepLookupMany, Summary: "a lookup found several rows"},
		{Code: CodeStepLinkMissing, Summary: "a record is linked to none of the other system"},
		{Code: CodeStepLookupFile, Summary: "a lookup table cannot be read"},
		{Code: CodeStepGroupIncrement, Summary: "a group over part of the records"},
		{Code: CodeStepAllocate, Summary: "an amount cannot be divided"},
		{Code: CodeStepType, Summary: "a step is given a field of the wrong type"},
		{Code: CodeRuleFailed, Summary: "a record broke a rule"},
		{Code: CodeRuleNil, Summary: "a rule met a missing value"},
		{Code: CodeRuleDuplicateName, Summary: "two rules have one name"},
		{Code: CodeGateBlocked, Summary: "the gate stopped the run"},
		{Code: CodeGateRecords, Summary: "too few or too many records"},
		{Code: CodeGateQuarantined, Summary: "too many records were held back"},
		{Code: CodeGateUnique, Summary: "records share a value that must be unique"},
		{Code: CodeGateNotNull, Summary: "a field is empty that must not be"},
		{Code: CodeGateReferences, Summary: "a value has no counterpart in the other stream"},
		{Code: CodeGateFresh, Summary: "the newest record is too old"},
		{Code: CodeGateTotals, Summary: "two totals differ"},
		{Code: CodeGateBalanced, Summary: "lines do not add up to their total"},
		{Code: CodeGateChange, Summary: "a figure moved too far from earlier runs"},
		{Code: CodeGateOpenPeriod, Summary: "a record falls into a closed period"},
		{Code: CodeGateEmpty, Summary: "a full read brought no records"},
		{Code: CodeGateMissing, Summary: "more records than allowed would be deleted or closed"},
	}
}

func deliveryCodes() []CodeInfo {
	return []CodeInfo{
		{Code: CodeSinkUnknownConnection, Summary: "the connection is not declared"},
		{Code: CodeSinkMissingKey, Summary: "the mode needs a key"},
		{Code: CodeSinkMode, Summary: "the target cannot load in this mode"},
		{Code: CodeSinkDigitsLost, Summary: "the column would drop digits of an amount"},
		{Code: CodeSinkMissingColumn, Summary: "the target lacks a column"},
		{Code: CodeSinkType, Summary: "the target's column has another type"},
		{Code: CodeSinkAffinity, Summary: "a SQLite column would turn amounts into floats"},
		{Code: CodeSinkRefused, Summary: "the target refused a record"},
		{Code: CodeSinkPoison, Summary: "one record makes the whole load fail"},
		{Code: CodeSinkPermission, Summary: "the login may not write"},
		{Code: CodeSinkDuplicateKey, Summary: "two records share a key"},
		{Code: CodeSinkMissing, Summary: "it cannot be told which records the source no longer has"},
		{Code: CodeSinkWhere, Summary: "what a load may touch is not clear, or a record lies outside of it"},
		{Code: CodeSinkOlder, Summary: "the target has a later version of a record"},
		{Code: CodeSinkAmbiguous, Summary: "an instant falls into an hour that the clock shows twice"},
		{Code: CodeSinkUnsettled, Summary: "what became of a document that was sent is not known yet"},
		{Code: CodeSinkUnprotected, Summary: "documents would leave this machine, and nobody has said that they may"},
		{Code: CodeStateLocked, Summary: "another run holds the pipeline"},
		{Code: CodeStateNewer, Summary: "the state was written by a newer version"},
		{Code: CodeStateCorrupt, Summary: "the state cannot be read"},
		{Code: CodeStateCursorChanged, Summary: "the cursor, key or stream was changed"},
		{Code: CodeStateMissing, Summary: "there is no state for this pipeline"},
		{Code: CodeStateServing, Summary: "another serve holds this state"},
		{Code: CodeStateClock, Summary: "the clock is more than a year ahead of the last sign of life"},
		{Code: CodeRunFailed, Summary: "the run stopped on an error"},
		{Code: CodeRunFenced, Summary: "a newer run took over"},
		{Code: CodeRunInterrupted, Summary: "the run was stopped from outside"},
		{Code: CodeRunBalance, Summary: "the records do not add up"},
		{Code: CodeRunBudget, Summary: "the run used more than it may"},
		{Code: CodeRunTimeout, Summary: "the run took longer than its timeout"},
		{Code: CodeRunAlert, Summary: "an alert cannot be delivered"},
		{Code: CodeRunUsage, Summary: "the command line asks for what cannot be done"},
		{Code: CodeRunOutput, Summary: "a file of results cannot be written"},
		{Code: CodeRunFormat, Summary: "a file cannot be formatted"},
		{Code: CodeRunNoRoom, Summary: "a disk or database is full"},
		{Code: CodeAuthSecretMissing, Summary: "a secret is not set"},
		{Code: CodeAuthConsent, Summary: "a person has to consent, for the first time or again"},
		{Code: CodeAuthRefused, Summary: "a service refuses the credentials, or a token server the client"},
		{Code: CodeAuthVault, Summary: "kept tokens cannot be opened or kept"},
		{Code: CodeNetUnreachable, Summary: "the other side did not answer"},
		{Code: CodeNetRefused, Summary: "an address or origin is not allowed"},
		{Code: CodeNetReply, Summary: "a service answered with something that cannot be used"},
	}
}
