// franz-go with its defaults but for what the arguments say; without AllowAutoTopicCreation it asks for no new topic.

package main

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func options(t *task) []kgo.Opt {
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	acks := map[string]kgo.Acks{"0": kgo.NoAck(), "1": kgo.LeaderAck(), "all": kgo.AllISRAcks()}
	list := []kgo.Opt{kgo.SeedBrokers(t.address), kgo.AllowAutoTopicCreation(), kgo.RecordPartitioner(kgo.ManualPartitioner())}
	for name, value := range t.settings {
		switch name {
		case "acks":
			list = append(list, kgo.RequiredAcks(acks[value]))
			if value != "all" { // franz-go demands it
				list = append(list, kgo.DisableIdempotentWrite())
			}
		case "codec":
			list = append(list, kgo.ProducerBatchCompression(codecs[value]))
		case "idempotence":
			if value == "false" {
				list = append(list, kgo.DisableIdempotentWrite())
			}
		case "linger_ms":
			list = append(list, kgo.ProducerLinger(time.Duration(number(value))*time.Millisecond))
		case "max_bytes":
			list = append(list, kgo.ProducerBatchMaxBytes(int32(number(value))))
		}
	}
	return list
}

func main() {
	t := readTask()
	client, err := kgo.NewClient(options(t)...)
	must(err)
	for index, r := range t.records {
		message := &kgo.Record{Topic: t.topic, Partition: r.partition, Timestamp: time.UnixMilli(r.timestamp),
			Key: r.key, Value: r.value}
		for _, h := range r.headers {
			message.Headers = append(message.Headers, kgo.RecordHeader{Key: h.name, Value: h.value})
		}
		client.Produce(context.Background(), message, func(m *kgo.Record, err error) {
			t.answer(index, m.Partition, m.Offset, err)
		})
	}
	must(client.Flush(context.Background()))
	client.Close()
	t.end()
}
