package moment

import (
	"slices"
	"time"
)

// Outlook is what forecasts of some instances need, as of one instant.
type Outlook struct {
	Situation Situation
	Defaults  Pacing
	Instances map[int64]*Prospect // those of the instances asked for that exist
}

// Prospect is an instance with its scheduled posts.
type Prospect struct {
	Instance Instance
	Queue    []Due     // in the engine's order
	CutAt    time.Time // the queue is longer; what is due from then on is not in it. Zero = it is whole
}

// Forecast says when the scheduled posts of the instance will leave, in the
// engine's order, if these more were scheduled too; nil for an instance that
// is not in the outlook. Give each a negative ID of its own to find it again;
// the ID of a scheduled post gives that one another time.
// Of a queue that was cut it tells the part before CutAt, and of more posts
// those that are due before it.
func (o *Outlook) Forecast(instance int64, more ...Due) []Departure {
	p, ok := o.Instances[instance]
	if !ok {
		return nil
	}
	queue := slices.DeleteFunc(slices.Clone(p.Queue), func(d Due) bool {
		return slices.ContainsFunc(more, func(m Due) bool { return m.ID == d.ID })
	})
	for _, d := range more {
		if p.CutAt.IsZero() || d.DueAt.Before(p.CutAt) {
			queue = append(queue, d)
		}
	}
	return p.Instance.Forecast(o.Defaults, queue, o.Situation)
}
