// confluent-kafka-go, which brings a librdkafka of its own, with its defaults but for what the arguments say.

package main

import (
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

func message(topic *string, index int, r record) *kafka.Message {
	m := &kafka.Message{TopicPartition: kafka.TopicPartition{Topic: topic, Partition: r.partition},
		Key: r.key, Value: r.value, Timestamp: time.UnixMilli(r.timestamp), Opaque: index}
	for _, h := range r.headers {
		m.Headers = append(m.Headers, kafka.Header{Key: h.name, Value: h.value})
	}
	return m
}

func produce(producer *kafka.Producer, t *task) {
	for index, r := range t.records {
		for {
			err := producer.Produce(message(&t.topic, index, r), nil)
			if e, full := err.(kafka.Error); full && e.Code() == kafka.ErrQueueFull {
				producer.Flush(100)
				continue
			}
			must(err)
			break
		}
	}
}

func main() {
	t := readTask()
	config := kafka.ConfigMap{"bootstrap.servers": t.address}
	for name, value := range t.settings {
		config[name] = value
	}
	producer, err := kafka.NewProducer(&config)
	must(err)
	go produce(producer, t)
	for left := len(t.records); left > 0; {
		if m, delivery := (<-producer.Events()).(*kafka.Message); delivery {
			t.answer(m.Opaque.(int), m.TopicPartition.Partition, int64(m.TopicPartition.Offset), m.TopicPartition.Error)
			left--
		}
	}
	producer.Close()
	t.end()
}
