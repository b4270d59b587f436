package wasm_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

func TestInstancesDoNotGetMoreMemoryThanThereIs(t *testing.T) {
	host, err := wasm.New(wasm.Config{Compiler: compiler, Memory: 10 << 20})
	require.NoError(t, err)
	t.Cleanup(host.Close)
	guest, err := host.Compile(t.Context(), "guest", file(t, "pass"), limits())
	require.NoError(t, err)
	t.Cleanup(guest.Close)
	first := start(t, guest, wasm.Options{})
	start(t, guest, wasm.Options{})

	_, err = guest.Start(wasm.Options{Signal: "signal", Limits: limits()})
	e := guestError(t, err)
	assert.Equal(t, module.KindMemory, e.Kind)
	assert.Equal(t, "2 instances run with limits of 8.0 MiB of memory together, of 10.0 MiB for all; this one's 4.0 MiB do not fit", e.Message)
	assert.Contains(t, e.Hint, "WASM_ON_EDGE_MEMORY_MIB")
	first.Close()
	start(t, guest, wasm.Options{})
}

func TestAStartThatFailsTakesNoRoom(t *testing.T) {
	host, err := wasm.New(wasm.Config{Compiler: compiler, Memory: 4 << 20})
	require.NoError(t, err)
	t.Cleanup(host.Close)
	guest, err := host.Compile(t.Context(), "guest", file(t, "trap_on_start"), limits())
	require.NoError(t, err)
	t.Cleanup(guest.Close)
	for range 3 {
		_, err := guest.Start(wasm.Options{Signal: "signal", Limits: limits()})
		assert.Equal(t, module.KindTrap, guestError(t, err).Kind)
	}
}

func TestTablesCountIntoTheMemory(t *testing.T) {
	l := limits() // 4 MiB, and guestOf has 5 pages
	table := func(bounds string) *wasm.Guest {
		return compile(t, guestOf(t, "", "(table "+bounds+" funcref)", "(i32.const 1)"))
	}
	_, err := table("600000").Start(wasm.Options{Signal: "signal", Limits: l})
	e := guestError(t, err)
	assert.Equal(t, module.KindMemory, e.Kind)
	assert.Equal(t, "it starts with 0.3 MiB of memory and 4.6 MiB of tables, its limit is 4.0 MiB", e.Message)
	assert.Equal(t, "raise limits.memoryMiB", e.Hint)
	start(t, table("400000"), wasm.Options{})
}

func TestATableAndAMemoryThatGrowStayWithinTheLimitTogether(t *testing.T) {
	i := run(t, guestOf(t, "", "(table $t 1 funcref)", `
		(loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1))))
		(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
		(i32.store (i32.const 0) (table.size $t))
		(i32.gt_u (i32.add (i32.mul (table.size $t) (i32.const 8)) (i32.mul (memory.size) (i32.const 65536))) (i32.const 4194304))`))
	verdict, err := i.Message(message(""))
	require.NoError(t, err)
	assert.Equal(t, module.Drop, verdict, "0: it is not more than 4 MiB")
	assert.Greater(t, i.Memory(), int64(3<<20))
}

// fill starts instances of a guest until one is refused or there are so many, and sends a message to each.
func fill(guest *wasm.Guest, l module.Limits, most int) (all []*wasm.Instance, err error) {
	for len(all) < most {
		i, err := guest.Start(wasm.Options{Signal: "signal", Limits: l})
		if err != nil {
			return all, err
		}
		all = append(all, i)
		if err := send(i, []byte("x")); err != nil {
			return all, err
		}
	}
	return all, nil
}

// send sends a message, which the guest may find fault with.
func send(i *wasm.Instance, body []byte) error {
	_, err := i.Message(module.Message{Body: body})
	if e, ok := errors.AsType[*module.GuestError](err); ok && e.Kind == module.KindFailed {
		return nil
	}
	return err
}

func TestTwentyThousandInstancesRunOrAreRefused(t *testing.T) {
	host, err := wasm.New(wasm.Config{Compiler: compiler, Memory: 1 << 40})
	require.NoError(t, err)
	t.Cleanup(host.Close)
	guest, err := host.Compile(t.Context(), "guest", file(t, "pass"), limits())
	require.NoError(t, err)
	t.Cleanup(guest.Close)
	all, err := fill(guest, limits(), 20_000)
	if err != nil {
		assert.Equal(t, module.KindMemory, guestError(t, err).Kind)
		assert.InDelta(t, host.Capacity().Small, len(all), float64(len(all))/50)
	}
	for _, i := range all {
		i.Close()
	}
}

func TestWithLittleAddressSpaceInstancesAreRefusedAndNothingBreaks(t *testing.T) {
	program, err := os.Executable()
	require.NoError(t, err)
	for _, gib := range []int{8, 256} {
		for _, guest := range []string{"../../../wasm-guests/testdata/pass.wat", "../../../build/guests/threshold.wasm"} {
			if _, err := os.Stat(guest); err != nil {
				t.Log("make guests builds the guest that this needs")
				continue
			}
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `ulimit -v "$0" && exec "$@"`, fmt.Sprint(gib<<20), program, "fill", guest)
			output, err := cmd.CombinedOutput()
			if strings.Contains(string(output), "ThreadSanitizer") {
				t.Skip("the race detector needs more")
			}
			require.NoError(t, err, "%s", output)
			assert.Regexp(t, `^(40000 started|[1-9]\d* started, then memory: .*\n)`, string(output))
		}
	}
}

// fillProcess fills a process that may have little address space, says how many instances fit, and goes on to work a bit.
func fillProcess(path string) int {
	if err := tryFill(path); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func tryFill(path string) error {
	binary, err := os.ReadFile(path)
	if err == nil && strings.HasSuffix(path, ".wat") {
		binary, err = wasmtime.Wat2Wasm(string(binary))
	}
	if err != nil {
		return err
	}
	host, err := wasm.New(wasm.Config{Compiler: compiler, Memory: 1 << 40})
	if err != nil {
		return err
	}
	defer host.Close()
	l := limits()
	l.Memory, l.Deadline = 16<<20, 10*time.Second // what else runs on the machine is not the matter here
	guest, err := host.Compile(context.Background(), "guest", binary, l)
	if err != nil {
		return err
	}
	defer guest.Close()
	all, err := fill(guest, l, 40_000)
	for _, i := range all {
		defer i.Close()
	}
	refused, ok := errors.AsType[*module.GuestError](err)
	if err != nil && (!ok || refused.Kind != module.KindMemory) {
		return err
	}
	fmt.Printf("%d started", len(all))
	if refused != nil {
		fmt.Printf(", then %s: %s\n", refused.Kind, refused.Message)
	}
	return work(all)
}

// work takes memory, as the rest of the module does while instances run.
func work(all []*wasm.Instance) error {
	for _, i := range all {
		if err := send(i, make([]byte, 100<<10)); err != nil {
			return err
		}
	}
	return nil
}
