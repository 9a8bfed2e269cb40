// SPDX-License-Identifier: Apache-2.0

// Go's net package: a goroutine per connection, buffered reading and writing. The replies of a burst leave in one
// write, before the reader would have to wait.
//
// Usage: go-echo SOCKET
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
)

const (
	maximumMessage = 16 << 20
	bufferSize     = 16 << 10
)

// The handler: answers a message with the same message.
func handle(message []byte, replies *bufio.Writer) error {
	var header [4]byte
	binary.BigEndian.PutUint32(header[:], uint32(len(message)))
	if _, err := replies.Write(header[:]); err != nil {
		return err
	}
	_, err := replies.Write(message)
	return err
}

func serve(client net.Conn) {
	defer client.Close()
	reader := bufio.NewReaderSize(client, bufferSize)
	replies := bufio.NewWriterSize(client, bufferSize)
	var message []byte
	for {
		var header [4]byte
		if _, err := io.ReadFull(reader, header[:]); err != nil {
			return
		}
		length := binary.BigEndian.Uint32(header[:])
		if length > maximumMessage {
			return
		}
		if uint32(cap(message)) < length {
			message = make([]byte, length)
		}
		message = message[:length]
		if _, err := io.ReadFull(reader, message); err != nil {
			return
		}
		if handle(message, replies) != nil {
			return
		}
		if isWholeFrameBuffered(reader) {
			continue
		}
		if replies.Flush() != nil {
			return
		}
	}
}

func isWholeFrameBuffered(reader *bufio.Reader) bool {
	if reader.Buffered() < 4 {
		return false
	}
	header, _ := reader.Peek(4)
	return uint64(reader.Buffered()) >= 4+uint64(binary.BigEndian.Uint32(header))
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go-echo SOCKET")
		os.Exit(2)
	}
	os.Remove(os.Args[1])
	listener, err := net.Listen("unix", os.Args[1])
	for err == nil {
		var client net.Conn
		if client, err = listener.Accept(); err == nil {
			go serve(client)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
