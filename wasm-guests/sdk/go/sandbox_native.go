//go:build !wasip1

package edge

// Register makes guest the one that the host drives. It is to be called once, in an init function: main does
// not run in a sandbox. Outside of one, in native tests, it does nothing; package edgetest takes the guest
// from the test.
func Register[S any](_ Guest[S]) {}
