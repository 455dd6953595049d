// Package serve is the process around the schedule: it loads the project and
// loads it again when files change, runs slots through project.Run, counts,
// raises alerts, answers /metrics, /healthz and /readyz, prunes old history,
// and stops in order.
//
// What is due is decided by runner/schedule, what a run does by
// runner/project; this package only connects them.
//
// Read serve.go first, then shelf.go for how a bad edit keeps the last good
// version running.
package serve
