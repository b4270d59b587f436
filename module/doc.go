// Package module is the vocabulary of Wasm-on-Edge: the messages, names, specifications and errors that
// the other packages speak to each other in. It uses the standard library only, holds no state and starts
// nothing; everything in it may be used from any goroutine as far as plain values may.
package module
