// Drives an agent through its RPC with Debian's golang-github-hashicorp-serf-dev: ADDR TOKEN NODE PEER KEY.
// Ends with 1 and a word at the first thing that is not as it must be.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/serf/client"
)

func must(what string, err error) {
	if err != nil {
		fmt.Printf("%s: %v\n", what, err)
		os.Exit(1)
	}
}

func check(what string, ok bool, seen interface{}) {
	if !ok {
		fmt.Printf("%s: %#v\n", what, seen)
		os.Exit(1)
	}
	fmt.Printf("%s\n", what)
}

func soon(what string, ch <-chan map[string]interface{}) map[string]interface{} {
	select {
	case record, open := <-ch:
		check("stream open for "+what, open, nil)
		return record
	case <-time.After(60 * time.Second):
		check(what+" in time", false, nil)
		return nil
	}
}

func text(value interface{}) string { return fmt.Sprintf("%s", value) }

func main() {
	addr, token, node, peer, key := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	_, err := client.ClientFromConfig(&client.Config{Addr: addr, AuthKey: "wrong"})
	check("a wrong token is refused", err != nil && err.Error() == "Invalid authentication token", err)
	stranger, err := client.ClientFromConfig(&client.Config{Addr: addr})
	must("handshake", err)
	_, err = stranger.Members()
	check("no token is refused", err != nil && err.Error() == "Authentication required", err)
	_, err = stranger.Stats()
	check("and again", err != nil && err.Error() == "Authentication required", err)

	c, err := client.ClientFromConfig(&client.Config{Addr: addr, AuthKey: token, Timeout: 60 * time.Second})
	must("connect", err)
	members, err := c.Members()
	must("members", err)
	check("members", len(members) == 2 && len(members[0].Addr) == 4 && members[0].Status == "alive", members)
	members, err = c.MembersFiltered(map[string]string{"role": "w.b"}, "alive", ".*")
	must("members-filtered", err)
	check("members-filtered", len(members) == 1 && members[0].Name == node && members[0].Tags["role"] == "web", members)
	n, err := c.Join([]string{peer}, false)
	must("join", err)
	check("join", n == 1, n)
	n, err = c.Join([]string{"127.0.0.1:1"}, false)
	check("a join that fails", n == 0 && err != nil && strings.HasPrefix(err.Error(), "1 error occurred:"), err)

	events := make(chan map[string]interface{}, 64)
	stream, err := c.Stream("user:deploy,query:load,member-update", events)
	must("stream", err)
	must("event", c.UserEvent("ignored", nil, false))
	must("event", c.UserEvent("deploy", []byte("v1\x00\xff"), false))
	event := soon("event", events)
	check("event", text(event["Name"]) == "deploy" && text(event["Payload"]) == "v1\x00\xff" && event["Coalesce"] == false, event)

	// The same connection is asked and answers itself.
	acks, responses := make(chan string, 8), make(chan client.NodeResponse, 8)
	must("query", c.Query(&client.QueryParam{
		Name: "load", Payload: []byte("cpu?"), RequestAck: true, RelayFactor: 1, Timeout: 4 * time.Second,
		FilterTags: map[string]string{"role": "web"}, AckCh: acks, RespCh: responses,
	}))
	query := soon("query", events)
	check("query", text(query["Event"]) == "query" && text(query["Payload"]) == "cpu?", query)
	id := query["ID"]
	number := uint64(0)
	fmt.Sscan(fmt.Sprint(id), &number)
	must("respond", c.Respond(number, []byte("fine")))
	err = c.Respond(number, []byte("twice"))
	check("a second response", err != nil && err.Error() == "response already sent", err)
	err = c.Respond(number+7, nil)
	check("a response to nothing", err != nil && err.Error() == "No pending queries matching ID", err)
	response := <-responses
	check("response", response.From == node && string(response.Payload) == "fine", response)
	check("ack", <-acks == node, nil)
	_, more := <-responses
	check("done", !more, nil)

	must("tags", c.UpdateTags(map[string]string{"by": "go"}, []string{"role"}))
	update := soon("update", events)
	check("update", text(update["Event"]) == "member-update", update)
	must("stop", c.Stop(stream))
	_, more = <-events
	check("stopped", !more, nil)

	lines := make(chan string, 1024)
	monitor, err := c.Monitor("DEBUG", lines)
	must("monitor", err)
	select {
	case line := <-lines:
		check("log", strings.Contains(line, "] "), line)
	case <-time.After(60 * time.Second):
		check("log in time", false, nil)
	}
	must("stop", c.Stop(monitor))

	stats, err := c.Stats()
	must("stats", err)
	check("stats", stats["serf"]["members"] == "2" && stats["agent"]["name"] == node && stats["runtime"]["os"] == "linux", stats)
	_, err = c.InstallKey(key)
	must("install-key", err)
	keys, nodes, _, err := c.ListKeys()
	must("list-keys", err)
	check("list-keys", nodes == 2 && len(keys) == 2 && keys[key] == 2, keys)
	_, err = c.UseKey(key)
	must("use-key", err)
	messages, err := c.RemoveKey(key)
	check("the key in use stays", err != nil && strings.HasSuffix(err.Error(), "nodes reported failure") && len(messages) == 2, messages)
	coordinate, err := c.GetCoordinate(node)
	must("get-coordinate", err)
	check("get-coordinate", coordinate != nil && len(coordinate.Vec) == 8, coordinate)
	coordinate, err = c.GetCoordinate("nobody")
	must("get-coordinate", err)
	check("get-coordinate of nobody", coordinate == nil, coordinate)
	must("force-leave", c.ForceLeave("nobody"))
	must("force-leave", c.ForceLeavePrune("nobody"))
	must("leave", c.Leave())
	fmt.Println("left")
}
