package service

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/connectors/web"
)

// tools are what a read uses of the world; tests bring their own.
type tools struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	// random gives a number from 0 up to n.
	random func(n int64) int64
}

func systemTools(env connectors.Env) tools {
	return tools{now: env.Now, sleep: connectors.Wait, random: rand.Int64N}
}

// web are the options of a client that says nothing else.
func (t tools) web() web.Options { return web.Options{Now: t.now} }
