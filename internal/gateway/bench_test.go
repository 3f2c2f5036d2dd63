package gateway

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"momentcast/internal/moment"
)

// BenchmarkPublish is the cost of a post on both sides of a loopback
// connection, with a server that does next to nothing.
func BenchmarkPublish(b *testing.B) {
	answer := []byte(httpReply(vector(b, "snsSendUrl-success.json")))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					if _, ok := readPost(r); !ok {
						return
					}
					conn.Write(answer)
				}
			}()
		}
	}()
	c, err := New(Config{BaseURL: "http://" + l.Addr().String(), Token: testToken})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	var n atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		wID := fmt.Sprint("wid-", n.Add(1))
		for pb.Next() {
			if r := c.Publish(context.Background(), wID, testCard, everyone); r.Verdict != moment.Delivered {
				b.Errorf("%s %s", r.Verdict, r.Cause)
			}
		}
	})
}

// BenchmarkRead is the reading of a reply alone.
func BenchmarkRead(b *testing.B) {
	reply := []byte(vector(b, "snsSendUrl-success.json"))
	b.ReportAllocs()
	for b.Loop() {
		a := read(exchange{left: true, status: 200, reply: reply})
		if r := result(&a, sending{judge: judgePublish}, testToken); r.Verdict != moment.Delivered {
			b.Fatal(r.Cause)
		}
	}
}
