package serve

import (
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tieout/tieout/runner/schedule"
)

// meters are the metrics of a process that serves. Amounts are not among
// them: a metric is a binary float.
type meters struct {
	registry *prometheus.Registry
	slots    *prometheus.CounterVec
	runs     *prometheus.CounterVec
	records  *prometheus.CounterVec
	running  prometheus.Gauge
	seconds  *prometheus.HistogramVec
	lag      prometheus.Histogram
	success  *prometheus.GaugeVec
	late     *prometheus.GaugeVec
	errors   prometheus.Gauge

	mu    sync.Mutex
	known map[string]freshness // what success and late say, by pipeline
}

// freshness is what the gauges of a pipeline show.
type freshness struct {
	last time.Time
	late bool
}

// newMeters makes them. waiting is asked for the alerts that wait, when somebody
// looks at the metrics.
func newMeters(waiting func() int) *meters {
	m := &meters{registry: prometheus.NewRegistry(), known: map[string]freshness{}}
	byPipeline := []string{"pipeline", "outcome"}
	m.slots = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tieout_slots_total", Help: "Slots that ended, by how."}, byPipeline)
	m.runs = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tieout_runs_total", Help: "Runs that ended, by how."}, byPipeline)
	m.records = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tieout_records_total", Help: "Source records of runs that ended, by their fate."}, byPipeline)
	m.running = prometheus.NewGauge(prometheus.GaugeOpts{Name: "tieout_runs_running", Help: "Runs under way."})
	m.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tieout_run_duration_seconds", Help: "How long runs took.",
		Buckets: []float64{0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400}}, []string{"outcome"})
	m.lag = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tieout_start_lag_seconds", Help: "How much later than due attempts began, jitter not counted.",
		Buckets: []float64{0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600, 3600}})
	m.success = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tieout_last_success_timestamp_seconds", Help: "When the last run that loaded or found nothing new ended."}, []string{"pipeline"})
	m.late = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tieout_late_pipelines", Help: "1 when the pipeline is later than its fresh_within promises."}, []string{"pipeline"})
	m.errors = prometheus.NewGauge(prometheus.GaugeOpts{Name: "tieout_config_errors", Help: "Errors in the project's files as they are now; what ran before goes on."})
	letters := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tieout_alerts_waiting", Help: "Alerts that have not been delivered yet; -1 when the state cannot be asked."},
		func() float64 { return float64(waiting()) })
	m.registry.MustRegister(letters, m.slots, m.runs, m.records, m.running, m.seconds, m.lag, m.success, m.late, m.errors,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *meters) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *meters) started(lag time.Duration) {
	m.running.Inc()
	m.lag.Observe(max(0, lag).Seconds())
}

// ended counts an attempt, and its slot when no other attempt follows.
func (m *meters) ended(s schedule.Slot, o schedule.Outcome) {
	if o.Run.RunID != "" || o.Err != nil {
		m.running.Dec()
	}
	if s.Status != schedule.Due {
		m.slots.WithLabelValues(s.Pipeline, string(s.Status)).Inc()
	}
	run := &o.Run
	if run.RunID == "" {
		return
	}
	m.runs.WithLabelValues(s.Pipeline, string(run.Status)).Inc()
	m.seconds.WithLabelValues(string(run.Status)).Observe(run.FinishedAt.Sub(run.StartedAt).Seconds())
	c := &run.Counts
	for _, fate := range []struct {
		name string
		n    int64
	}{{"read", c.Read}, {"inserted", c.Inserted}, {"changed", c.Changed}, {"unchanged", c.Unchanged}, {"held", c.Held}, {"refused", c.Refused}} {
		if fate.n > 0 {
			m.records.WithLabelValues(s.Pipeline, fate.name).Add(float64(fate.n))
		}
	}
}

// fresh shows how a pipeline stands, when that changed, and reports whether it
// has succeeded since it was shown before, or ever when it never was.
func (m *meters) fresh(pipeline string, last schedule.Success, late bool) (again bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := freshness{last: last.EndedAt, late: late}
	before, is := m.known[pipeline]
	if is && before == now {
		return false
	}
	m.known[pipeline] = now
	if !last.EndedAt.IsZero() {
		m.success.WithLabelValues(pipeline).Set(float64(last.EndedAt.Unix()))
	}
	m.late.WithLabelValues(pipeline).Set(map[bool]float64{true: 1}[late])
	return now.last.After(before.last)
}

// forget drops the gauges of pipelines that are gone.
func (m *meters) forget(kept map[string]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for pipeline := range m.known {
		if !kept[pipeline] {
			delete(m.known, pipeline)
			m.success.DeleteLabelValues(pipeline)
			m.late.DeleteLabelValues(pipeline)
		}
	}
}

func (m *meters) problems(n int) { m.errors.Set(float64(n)) }
