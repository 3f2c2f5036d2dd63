package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"momentcast/internal/moment"
)

// KeyInput names a creation, so that it can be repeated safely.
type KeyInput struct {
	Key string `header:"Idempotency-Key" doc:"Any text of your own, at most 200 printable ASCII characters. Kept for 7 days." example:"2f0c1d7e-order-1193"`
}

// request is the key together with whose it is and what it was used for.
func (in KeyInput) request(ctx context.Context) (moment.RequestKey, error) {
	if in.Key == "" {
		return moment.RequestKey{}, nil
	}
	if len(in.Key) > 200 || strings.ContainsFunc(in.Key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return moment.RequestKey{}, invalid("header.Idempotency-Key", "must be at most 200 printable ASCII characters")
	}
	return moment.RequestKey{Actor: fmt.Sprintf("token:%d", callerOf(ctx).token.ID), Key: in.Key, Hash: hashBody(ctx)}, nil
}

type createPostInput struct {
	KeyInput
	Body newPostBody
}

type postOutput struct {
	ETag     string `header:"ETag" doc:"The version; for If-Match."`
	Location string `header:"Location"`
	Replayed string `header:"Idempotency-Replayed" doc:"true = an earlier request with this key was answered with this post."`
	Body     PostBody
}

func (a *API) createPost(ctx context.Context, in *createPostInput) (*postOutput, error) {
	ids, replayed, err := a.create(ctx, in.KeyInput, []newPostBody{in.Body})
	if err != nil {
		return nil, underPrefix(err, "posts[0].", "")
	}
	out, err := a.showPost(ctx, ids[0])
	if replayed && moment.KindOf(err) == moment.NotFound {
		return nil, moment.Errorf(moment.Conflict, "This Idempotency-Key created post %d, which was deleted since; use a new key to create another one.", ids[0])
	}
	if err != nil {
		return nil, err
	}
	out.Location = fmt.Sprintf("%s/posts/%d", prefix, ids[0])
	out.Replayed = replayedHeader(replayed)
	return out, nil
}

type createPostsInput struct {
	KeyInput
	Body postsBody
}

type createPostsOutput struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true = an earlier request with this key was answered with these ids."`
	Body     idsBody
}

type idsBody struct {
	IDs []int64 `json:"ids" doc:"In the order of the posts."`
}

func (a *API) createPosts(ctx context.Context, in *createPostsInput) (*createPostsOutput, error) {
	ids, replayed, err := a.create(ctx, in.KeyInput, in.Body.Posts)
	if err != nil {
		return nil, err
	}
	return &createPostsOutput{replayedHeader(replayed), idsBody{ids}}, nil
}

func replayedHeader(replayed bool) string {
	if replayed {
		return "true"
	}
	return ""
}

// create stores the posts, which were checked by themselves. Its errors speak
// of posts[i].
func (a *API) create(ctx context.Context, in KeyInput, bodies []newPostBody) (ids []int64, replayed bool, err error) {
	key, err := in.request(ctx)
	if err != nil {
		return nil, false, err
	}
	if key.Key != "" {
		// Before anything else: what was right then may be out of date by now.
		if ids, err := a.store.Answered(ctx, key); err != nil || ids != nil {
			return ids, true, err
		}
	}
	posts, err := a.posts(ctx, bodies)
	if err != nil {
		return nil, false, err
	}
	if ids, replayed, err = a.store.CreatePosts(ctx, posts, key); err != nil {
		return nil, false, err
	}
	a.engine.Wake()
	return ids, replayed, nil
}

// posts completes the bodies to posts of known instances.
func (a *API) posts(ctx context.Context, bodies []newPostBody) ([]*moment.Post, error) {
	settings, err := a.store.Settings(ctx)
	if err != nil {
		return nil, err
	}
	find, err := a.finder(ctx, bodies)
	if err != nil {
		return nil, err
	}
	var fs fields
	by := origin(ctx)
	posts := make([]*moment.Post, len(bodies))
	presets := make(map[int64]moment.Visibility)
	for i := range bodies {
		b := &bodies[i]
		p, _ := b.post(settings.MaxLateness)
		p.Author, p.Source = by.Actor, by.Source
		if p.InstanceID = find(b); p.InstanceID == 0 {
			field := "instance_id"
			if b.WcID != "" {
				field = "wc_id"
			}
			fs.add(fmt.Sprintf("posts[%d].%s", i, field), "there is no such instance")
		}
		if b.AudienceID != 0 {
			v, known := presets[b.AudienceID]
			if !known {
				if v, err = a.preset(ctx, b.AudienceID); err != nil && moment.KindOf(err) != moment.Invalid {
					return nil, err
				}
				presets[b.AudienceID] = v
			}
			if p.Visibility = v; v.Mode == "" {
				fs.add(fmt.Sprintf("posts[%d].audience_id", i), "there is no such audience any more")
			}
		}
		posts[i] = p
	}
	return posts, fs.err()
}

// finder looks all instances of the bodies up at once.
func (a *API) finder(ctx context.Context, bodies []newPostBody) (func(*newPostBody) int64, error) {
	var ids []int64
	var wcIDs []string
	for _, b := range bodies {
		if b.WcID != "" {
			wcIDs = append(wcIDs, b.WcID)
		} else {
			ids = append(ids, b.InstanceID)
		}
	}
	slices.Sort(ids)
	slices.Sort(wcIDs)
	refs, err := a.store.FindInstances(ctx, slices.Compact(ids), slices.Compact(wcIDs))
	if err != nil {
		return nil, err
	}
	byID, byWcID := make(map[int64]int64), make(map[string]int64)
	for _, r := range refs {
		byID[r.ID], byWcID[r.WcID] = r.ID, r.ID
	}
	return func(b *newPostBody) int64 {
		if b.WcID != "" {
			return byWcID[b.WcID]
		}
		return byID[b.InstanceID]
	}, nil
}

// underPrefix rewrites where an error's fields are.
func underPrefix(err error, old, now string) error {
	e, ok := errors.AsType[*moment.Error](err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	moved := *e
	moved.Fields = slices.Clone(e.Fields)
	for i := range moved.Fields {
		if rest, ok := strings.CutPrefix(moved.Fields[i].Path, old); ok {
			moved.Fields[i].Path = now + rest
		}
	}
	return &moved
}

func (a *API) showPost(ctx context.Context, id int64) (*postOutput, error) {
	v, err := a.store.Post(ctx, id)
	if err != nil {
		return nil, err
	}
	return &postOutput{ETag: etag(v.Version), Body: showPost(v)}, nil
}
