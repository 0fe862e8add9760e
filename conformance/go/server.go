// Package conformance holds checks of a server by the AWS SDK for Go v2.
package conformance

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	accessKey = "AKIACONFORMANCE0001"
	secretKey = "conformance/secret+key"
	region    = "us-east-1"
)

// Server is one server process with a data directory of its own. This file alone knows the flags of `anabranch serve`.
type Server struct {
	folder        string
	port, tlsPort int
	process       *exec.Cmd
}

// StartServer returns when the server is ready.
func StartServer() (*Server, error) {
	folder, err := os.MkdirTemp("", "anabranch-")
	if err != nil {
		return nil, err
	}
	server := &Server{folder: folder}
	for _, port := range []*int{&server.port, &server.tlsPort} {
		if *port, err = freePort(); err != nil {
			return nil, err
		}
	}
	return server, server.start()
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// Endpoint speaks HTTP/1.1 and HTTP/2 without TLS.
func (s *Server) Endpoint() string { return fmt.Sprintf("http://127.0.0.1:%d", s.port) }

// TLSEndpoint speaks both over TLS, with a certificate that Authority signed.
func (s *Server) TLSEndpoint() string { return fmt.Sprintf("https://localhost:%d", s.tlsPort) }

// Authority is the certificate authority that `--tls auto` makes.
func (s *Server) Authority() string { return filepath.Join(s.folder, "data", "tls", "ca.pem") }

func (s *Server) start() error {
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	binary := os.Getenv("ANABRANCH_BINARY")
	if binary == "" {
		binary = "anabranch"
	}
	s.process = exec.Command(binary, "serve", "--data", filepath.Join(s.folder, "data"),
		"--listen", fmt.Sprintf("127.0.0.1:%d", s.port), "--limits", "off",
		"--tls", "auto", "--tls-listen", fmt.Sprintf("127.0.0.1:%d", s.tlsPort))
	s.process.Env = []string{
		"PATH=" + os.Getenv("PATH"), "ANABRANCH_ACCESS_KEY_ID=" + accessKey, "ANABRANCH_SECRET_ACCESS_KEY=" + secretKey,
	}
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		return err
	}
	for range 3000 {
		if answer, err := http.Get(s.Endpoint() + "/readyz"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	text, _ := os.ReadFile(filepath.Join(s.folder, "log"))
	return fmt.Errorf("the server is not ready:\n%s", text)
}

// Kill is kill -9.
func (s *Server) Kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// Remove ends the server and forgets its data.
func (s *Server) Remove() {
	s.Kill()
	_ = os.RemoveAll(s.folder)
}
