// gocql as a writer of a log table: a window of UNLOGGED single-partition batches of prepared rows.
//
//	direct HOST:PORT KEYSPACE TABLE BATCH_ROWS WINDOW VALUE_BYTES SECONDS WARM_UP_SECONDS KAFKA_BATCH_ROWS
//
// Of KAFKA_BATCH_ROWS rows the first one has batch columns as well, as Sluice's rows have; 0: none has.
// One processor, as Sluice has. Prints one line of JSON: what it did after the warm-up, and its CPU time for that.
package main

import (
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gocql/gocql"
)

const (
	partitions  = 4
	segmentRows = 100_000 // of one Cassandra partition, as Sluice's segments have
	valueCount  = 148     // different ones, as many as the records that tests/bench/replay has
)

// The values of tests/bench/replay: JSON of which some repeats.
func makeValue(length int, number uint32) []byte {
	words := []string{"pending", "paid", "shipped", "returned", "blue", "green", "large", "small"}
	random := number*2654435761 + 1
	text := fmt.Sprintf("{\"id\":%d,\"user\":\"u%08x\"", number, random)
	for field := 0; len(text) < length; field++ {
		random = random*1664525 + 1013904223
		text += fmt.Sprintf(",\"f%d\":\"%s\",\"n%d\":%d", field, words[random>>29], field, (random>>8)%100000)
	}
	return append([]byte(text[:length-1]), '}')
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func number(text string) float64 {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	batchRows, window := int64(number(os.Args[4])), int(number(os.Args[5]))
	var values [valueCount][]byte
	for i := range values {
		values[i] = makeValue(int(number(os.Args[6])), uint32(i))
	}
	host, port, err := net.SplitHostPort(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	runtime.GOMAXPROCS(1)
	cluster := gocql.NewCluster(host)
	cluster.Port = int(number(port))
	cluster.ProtoVersion = 4
	cluster.Consistency = gocql.LocalQuorum
	cluster.Timeout = 30 * time.Second
	session, err := cluster.CreateSession()
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	kafkaBatchRows := int64(number(os.Args[9]))
	plainText := fmt.Sprintf("INSERT INTO \"%s\".\"%s\" (partition, segment, offset, timestamp, value) "+
		"VALUES (?, ?, ?, ?, ?)", os.Args[2], os.Args[3])
	firstText := fmt.Sprintf("INSERT INTO \"%s\".\"%s\" (partition, segment, offset, timestamp, value, record_count, "+
		"stable) VALUES (?, ?, ?, ?, ?, ?, ?)", os.Args[2], os.Args[3])
	start := time.Now().UnixMilli()
	var rows, next atomic.Int64
	var stop atomic.Bool
	var all sync.WaitGroup
	for range make([]int, window) {
		all.Add(1)
		go func() {
			defer all.Done()
			for !stop.Load() {
				n := next.Add(1) - 1
				first := n / partitions * batchRows
				// segments of our own in each run
				segment := start + n/partitions/(segmentRows/batchRows)
				batch := session.NewBatch(gocql.UnloggedBatch)
				for i := first; i < first+batchRows; i++ {
					if kafkaBatchRows > 0 && (i-first)%kafkaBatchRows == 0 {
						batch.Query(firstText, int32(n%partitions), segment, i, start, values[i%valueCount],
							int32(kafkaBatchRows), first)
					} else {
						batch.Query(plainText, int32(n%partitions), segment, i, start, values[i%valueCount])
					}
				}
				if err := session.ExecuteBatch(batch); err != nil {
					log.Fatal(err)
				}
				rows.Add(batchRows)
			}
		}()
	}
	time.Sleep(time.Duration(number(os.Args[8]) * float64(time.Second)))
	rows0, cpu0, time0 := rows.Load(), cpuSeconds(), time.Now()
	time.Sleep(time.Duration(number(os.Args[7]) * float64(time.Second)))
	rows1, cpu1, took := rows.Load(), cpuSeconds(), time.Since(time0)
	stop.Store(true)
	all.Wait()
	fmt.Printf("{\"rows\": %d, \"seconds\": %f, \"cpu_s\": %f, \"all_rows\": %d}\n",
		rows1-rows0, took.Seconds(), cpu1-cpu0, rows.Load())
}
