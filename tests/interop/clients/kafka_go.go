// segmentio/kafka-go's Writer with its defaults but for what the arguments say. It does not wait for a new topic: the
// error 3 of the first metadata goes to its user, who is expected to write again.

package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

type places []record

func (p places) Balance(message kafka.Message, _ ...int) int {
	return int(p[message.WriterData.(int)].partition)
}

func newWriter(t *task) *kafka.Writer {
	w := &kafka.Writer{Addr: kafka.TCP(t.address), Topic: t.topic, Balancer: places(t.records), AllowAutoTopicCreation: true}
	for name, value := range t.settings {
		switch name {
		case "acks":
			w.RequiredAcks = map[string]kafka.RequiredAcks{
				"0": kafka.RequireNone, "1": kafka.RequireOne, "all": kafka.RequireAll}[value]
		case "codec":
			w.Compression = map[string]kafka.Compression{
				"gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd}[value]
		case "linger_ms":
			w.BatchTimeout = max(time.Duration(number(value))*time.Millisecond, 1) // 0 is its default of a second
		case "max_bytes":
			w.BatchBytes = number(value)
		}
	}
	return w
}

func main() {
	t := readTask()
	w := newWriter(t)
	var lock sync.Mutex
	w.Completion = func(messages []kafka.Message, err error) {
		lock.Lock()
		defer lock.Unlock()
		for _, m := range messages {
			t.answer(m.WriterData.(int), int32(m.Partition), m.Offset, err)
		}
	}
	messages := []kafka.Message{}
	for index, r := range t.records {
		m := kafka.Message{Key: r.key, Value: r.value, Time: time.UnixMilli(r.timestamp), WriterData: index}
		for _, h := range r.headers {
			m.Headers = append(m.Headers, kafka.Header{Key: h.name, Value: h.value})
		}
		messages = append(messages, m)
	}
	err := w.WriteMessages(context.Background(), messages...)
	for tries := 0; errors.Is(err, kafka.UnknownTopicOrPartition) && tries < 20; tries++ {
		time.Sleep(250 * time.Millisecond)
		err = w.WriteMessages(context.Background(), messages...)
	}
	must(err)
	must(w.Close())
	t.end()
}
