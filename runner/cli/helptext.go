package cli

const exitCodesText = `Exit codes

  0    done; records may be held, under the limit, and then it is said
  1    the run failed: also when a source is damaged or not what the pipeline
       says of it
  2    the files or the command line are wrong
  3    the environment: a secret is missing, a system cannot be reached or
       refuses, the pipeline is locked or was taken over by a later run
  4    a gate, test or reconciliation failed: the tool worked, the data did not
  5    there are changes; only with --detailed-exitcode
  6    the plan is stale
  130  interrupted (Ctrl-C)
  143  terminated

With several pipelines the worst counts, in the order 143, 130, 3, 1, 2, 6, 4,
5, 0; -o json has the code of each.
`

const environmentText = `Environment

  NO_COLOR           any value: no colour. --no-color wins over the environment
  CLICOLOR_FORCE     a value other than 0: colour even into a pipe
  TERM               "dumb": no colour
  USER               who edits, discards or moves a position, for the record
  TIEOUT_KEY         the key that tokens are sealed with, in place of
                     .tieout/key: one of age-keygen, or a passphrase
  TIEOUT_SECRET_NAME the value of ${secret:name} unless tieout.yaml names it

Settings in tieout.yaml and in source and sink refer to variables as
${env:NAME} or ${env:NAME:-default}, and to files as ${file:/run/secrets/x}.
A run looks up the secrets of its own connections only; validate looks up none.
`

const formattingText = `Formatting

  -o text       for people; the default
  -o json       one object: command, ok, exit, summary, findings, error,
                run_id, version
  -o ndjson     the same on one line, or one finding a line
  -o junit, sarif, github, markdown
                for checks such as validate

-o may be given several times, and each may go to a file:
  tieout validate -o github -o sarif=tieout.sarif

Results go to stdout and everything else to stderr. Amounts are strings in
JSON, so that no reader makes a float of them. There are no colours and no
progress lines off a terminal; --progress plain writes a line every 30 s.
`
