package wasm_test

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The system call openat2, which has one number on all architectures, and how prctl sets a filter.
const (
	sysOpenat2        = 437
	prSetSeccomp      = 22
	prSetNoNewPrivs   = 38
	seccompModeFilter = 2
	seccompAllow      = 0x7fff0000
	seccompErrno      = 0x00050000
	loadNumber        = 0x20 // of the system call, which is what the filter's data begins with
	jumpIfEqual       = 0x15
	answerWith        = 0x06
)

// confine has openat2 answer with an error, as an old kernel or a profile does, and runs this program with the arguments.
func confine(errno string, arguments []string) {
	runtime.LockOSThread() // the filter is of one thread, and this one goes on as the new program
	n, _ := strconv.Atoi(errno)
	filter := []syscall.SockFilter{
		{Code: loadNumber},
		{Code: jumpIfEqual, K: sysOpenat2, Jf: 1},
		{Code: answerWith, K: seccompErrno | uint32(n)},
		{Code: answerWith, K: seccompAllow},
	}
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, first := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0)
	_, _, second := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetSeccomp, seccompModeFilter, uintptr(unsafe.Pointer(&program)), 0, 0, 0)
	_, _, answer := syscall.RawSyscall6(sysOpenat2, 0, 0, 0, 0, 0, 0)
	if first != 0 || second != 0 || answer != syscall.Errno(n) {
		os.Exit(9)
	}
	_ = syscall.Exec("/proc/self/exe", append([]string{os.Args[0]}, arguments...), os.Environ())
	os.Exit(10)
}

func TestPathsLeadNowhereElseWithoutOpenat2(t *testing.T) {
	tests := []string{"TestNoPathLeadsOut", "TestALinkThatSomebodyPlantedIsNotFollowed", "TestHowAFileIsOpenedIsKept",
		"TestDirectoriesAreMadeListedAndRemoved", "TestARenameReplacesAFileAndMovesNoDirectory", "TestDirectoriesAreSoDeep"}
	for _, errno := range []syscall.Errno{syscall.ENOSYS, syscall.EPERM} {
		out, err := exec.CommandContext(t.Context(), os.Args[0], "confine", strconv.Itoa(int(errno)),
			"-test.v", "-test.run=^("+strings.Join(tests, "|")+")$").CombinedOutput()
		require.NoError(t, err, "%v: %s", errno, out)
		for _, test := range tests {
			assert.Contains(t, string(out), "--- PASS: "+test)
		}
	}
}
