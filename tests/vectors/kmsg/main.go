// A second opinion on tests/vectors/kafka: franz-go's kmsg must decode the body of every frame and encode
// it to the same bytes again. Usage, in this folder: go run .
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

type frame struct {
	key, version int16
	response     bool
	body         []byte // behind the header
}

var fileName = regexp.MustCompile(`/(\w+)-v(\d+)-(request|response)\.hex$`)

// Frames of a file, without their sizes.
func framesOf(path string) (found [][]byte) {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "=") {
			found = append(found, nil)
		} else if line != "" && line[0] != '#' {
			part, err := hex.DecodeString(line)
			if err != nil {
				panic(err)
			}
			found[len(found)-1] = append(found[len(found)-1], part...)
		}
	}
	for i := range found {
		found[i] = found[i][4:]
	}
	return found
}

// One byte of empty tagged fields ends the headers of flexible messages; responses of ApiVersions have none.
func split(path string) (frames []frame) {
	name := fileName.FindStringSubmatch(path)
	asked := framesOf(strings.Replace(path, "-response.hex", "-request.hex", 1))[0]
	key := int16(binary.BigEndian.Uint16(asked))
	version, _ := strconv.Atoi(name[2])
	request := kmsg.RequestForKey(key)
	if request == nil {
		return nil
	}
	request.SetVersion(int16(version))
	tags := 0
	if request.IsFlexible() {
		tags = 1
	}
	for _, bytes := range framesOf(path) {
		header := 4 + tags
		if name[3] == "request" {
			client := int16(binary.BigEndian.Uint16(bytes[8:]))
			header = 10 + max(int(client), 0) + tags
		} else if key == 18 {
			header = 4
		}
		frames = append(frames, frame{key, int16(version), name[3] == "response", bytes[header:]})
	}
	return frames
}

func again(f frame) (encoded []byte, highest int16, err error) {
	request := kmsg.RequestForKey(f.key)
	if f.response {
		response := request.ResponseKind()
		response.SetVersion(f.version)
		err = response.ReadFrom(f.body)
		return response.AppendTo(nil), response.MaxVersion(), err
	}
	request.SetVersion(f.version)
	err = request.ReadFrom(f.body)
	return request.AppendTo(nil), request.MaxVersion(), err
}

func main() {
	paths, _ := filepath.Glob("../kafka/*.hex")
	agreed, unknown, failed := 0, 0, 0
	for _, path := range paths {
		frames := split(path)
		if frames == nil {
			unknown++
			fmt.Printf("%s: kmsg does not know the key\n", path)
		}
		for i, f := range frames {
			encoded, highest, err := again(f)
			switch {
			case f.version > highest:
				unknown++
				fmt.Printf("%s %d: kmsg knows versions to %d\n", path, i, highest)
			case err != nil || !bytes.Equal(encoded, f.body):
				failed++
				fmt.Printf("%s %d: %v\n  ours %x\n  kmsg %x\n", path, i, err, f.body, encoded)
			default:
				agreed++
			}
		}
	}
	fmt.Printf("%d frames agree, %d not known to kmsg, %d differ\n", agreed, unknown, failed)
	if failed > 0 || agreed == 0 {
		os.Exit(1)
	}
}
