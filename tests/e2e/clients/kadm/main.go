// franz-go's admin client: the acts of ../../java/AdminActs.java. Arguments: bootstrap, topic. Prints a line per
// answer, "name value"; an error as "name error CODE message".
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	ctx   context.Context
	admin *kadm.Client
	topic string
)

func say(name string, value any, err error, message string) {
	var known *kerr.Error
	if errors.As(err, &known) {
		fmt.Println(name, "error", known.Message, message)
	} else if err != nil {
		fmt.Println(name, "error", err)
	} else {
		fmt.Println(name, value)
	}
}

func text(value *string) string {
	if value == nil {
		return "null"
	}
	return *value
}

func create(name string, partitions int32, validate bool) {
	call := admin.CreateTopics
	if validate {
		call = admin.ValidateCreateTopics
	}
	retention := "3600000"
	answer, err := call(ctx, partitions, -1, map[string]*string{"retention.ms": &retention}, topic)
	if err != nil {
		say(name, nil, err, "")
		return
	}
	one := answer[topic]
	say(name, fmt.Sprint(one.NumPartitions, " partitions, ", one.ReplicationFactor, " replicas, retention.ms=",
		text(one.Configs["retention.ms"].Value)), one.Err, one.ErrMessage)
}

func grow(name string, partitions int) {
	answer, err := admin.UpdatePartitions(ctx, partitions, topic)
	if err == nil {
		say(name, "done", answer[topic].Err, answer[topic].ErrMessage)
	} else {
		say(name, nil, err, "")
	}
}

func change(name string, op kadm.IncrementalOp, setting, value string) {
	answer, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: op, Name: setting, Value: &value}}, topic)
	if err == nil {
		say(name, "done", answer[0].Err, answer[0].ErrMessage)
	} else {
		say(name, nil, err, "")
	}
}

func settings() {
	answer, err := admin.DescribeTopicConfigs(ctx, topic)
	if err != nil || answer[0].Err != nil {
		say("settings", nil, errors.Join(err, answer[0].Err), "")
		return
	}
	for _, setting := range answer[0].Configs {
		if setting.Key == "retention.ms" || setting.Key == "max.message.bytes" {
			say(setting.Key, fmt.Sprint(text(setting.Value), " from ", setting.Source), nil, "")
		}
	}
}

func offsets(name string, list func(context.Context, ...string) (kadm.ListedOffsets, error)) {
	answer, err := list(ctx, topic)
	found := map[int32]int64{}
	answer.Each(func(offset kadm.ListedOffset) {
		found[offset.Partition] = offset.Offset
		err = errors.Join(err, offset.Err)
	})
	say(name, found, err, "")
}

func look() {
	cluster, err := admin.BrokerMetadata(ctx)
	say("cluster", fmt.Sprint(len(cluster.Brokers), " nodes, controller ", cluster.Controller >= 0, ", id ",
		cluster.Cluster != ""), err, "")
	topics, err := admin.ListTopics(ctx, topic)
	say("described", fmt.Sprint(len(topics[topic].Partitions), " partitions"), err, "")
	settings()
	offsets("latest", admin.ListEndOffsets)
	offsets("earliest", admin.ListStartOffsets)
	offsets("at_2030", func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
		return admin.ListOffsetsAfterMilli(ctx, 1893456000000, topics...)
	})
	groups, err := admin.ListGroups(ctx)
	say("groups", len(groups), err, "")
	moves, err := admin.ListPartitionReassignments(ctx, nil)
	say("reassignments", len(moves), err, "")
	dirs, err := admin.DescribeAllLogDirs(ctx, nil)
	dirs.Each(func(dir kadm.DescribedLogDir) {
		say("log_dirs", fmt.Sprint(dir.Broker, ": ", dir.Dir, " ", dir.Size(), " bytes"), err, "")
	})
	broker, err := admin.DescribeBrokerConfigs(ctx, cluster.Controller)
	say("broker", len(broker) == 1 && len(broker[0].Configs) > 5, err, "")
	filter := kadm.NewACLs().AnyResource().ResourcePatternType(kadm.ACLPatternAny).Allow().AllowHosts().Deny().DenyHosts().Operations()
	acls, err := admin.DescribeACLs(ctx, filter)
	for _, acl := range acls {
		err = errors.Join(err, acl.Err)
	}
	say("acls", len(acls), err, "")
	transactions, err := admin.ListTransactions(ctx, nil, nil)
	say("transactions", len(transactions), err, "")
}

func main() {
	var cancel context.CancelFunc
	ctx, cancel = context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	admin, topic = kadm.NewClient(client), os.Args[2]
	create("validated", 2, true)
	create("created", 2, false)
	create("created_again", 2, false)
	change("set", kadm.SetConfig, "max.message.bytes", "100000")
	change("set_back", kadm.DeleteConfig, "retention.ms", "")
	change("set_nothing", kadm.SetConfig, "no.such.setting", "1")
	look()
	grow("grown", 4)
	grow("shrunk", 1)
	for _, name := range []string{"deleted", "deleted_again"} {
		answer, err := admin.DeleteTopics(ctx, topic)
		if err == nil {
			err = answer[topic].Err
		}
		say(name, "done", err, answer[topic].ErrMessage)
	}
}
