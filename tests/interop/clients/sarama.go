// Sarama's asynchronous producer with its defaults but for what the arguments say.

package main

import (
	"time"

	"github.com/IBM/sarama"
)

func configuration(settings map[string]string) *sarama.Config {
	config := sarama.NewConfig()
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Return.Successes = true
	for name, value := range settings {
		switch name {
		case "acks":
			config.Producer.RequiredAcks = map[string]sarama.RequiredAcks{
				"0": sarama.NoResponse, "1": sarama.WaitForLocal, "all": sarama.WaitForAll}[value]
		case "codec":
			must(config.Producer.Compression.UnmarshalText([]byte(value)))
		case "idempotence":
			config.Producer.Idempotent = value == "true"
			if config.Producer.Idempotent { // Sarama demands these two
				config.Producer.RequiredAcks = sarama.WaitForAll
				config.Net.MaxOpenRequests = 1
			}
		case "linger_ms":
			config.Producer.Flush.Frequency = time.Duration(number(value)) * time.Millisecond
		case "max_bytes":
			config.Producer.MaxMessageBytes = int(number(value))
		}
	}
	return config
}

func encoder(bytes []byte) sarama.Encoder {
	if bytes == nil {
		return nil
	}
	return sarama.ByteEncoder(bytes)
}

func message(topic string, index int, r record) *sarama.ProducerMessage {
	m := &sarama.ProducerMessage{Topic: topic, Partition: r.partition, Timestamp: time.UnixMilli(r.timestamp),
		Key: encoder(r.key), Value: encoder(r.value), Metadata: index}
	for _, h := range r.headers {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(h.name), Value: h.value})
	}
	return m
}

func main() {
	t := readTask()
	producer, err := sarama.NewAsyncProducer([]string{t.address}, configuration(t.settings))
	must(err)
	go func() {
		for index, r := range t.records {
			producer.Input() <- message(t.topic, index, r)
		}
	}()
	for range t.records {
		select {
		case m := <-producer.Successes():
			t.answer(m.Metadata.(int), m.Partition, m.Offset, nil)
		case e := <-producer.Errors():
			t.answer(e.Msg.Metadata.(int), 0, 0, e.Err)
		}
	}
	must(producer.Close())
	t.end()
}
