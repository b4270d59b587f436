package main

import (
	"context"
	"errors"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// store is what is compared.
type store interface {
	// put sets a key and returns when it is synced. Several goroutines may call it.
	put(table, key string, value []byte) error
	// fill sets keys in one transaction.
	fill(table string, keys []string, value []byte) error
	close() error
}

// ours is the journal.
type ours struct {
	*journal.Journal
	stop func()
}

func openOurs(dir string) (store, error) {
	j, damage, err := journal.Open(journal.Config{Dir: filepath.Join(dir, "journal"), Limit: 512 << 20})
	if err != nil {
		return nil, err
	}
	if len(damage) > 0 {
		return nil, errors.Join(errors.New("the journal is damaged: "+damage[0].Reason), j.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		j.Run(ctx)
	}()
	return ours{j, func() { cancel(); <-ended }}, nil
}

func (o ours) put(table, key string, value []byte) error {
	return o.fill(table, []string{key}, value)
}

func (o ours) fill(table string, keys []string, value []byte) error {
	var tx journal.Tx
	for _, key := range keys {
		tx.Put(table, key, value)
	}
	return o.Commit(&tx)
}

func (o ours) close() error {
	o.stop()
	return o.Close()
}

// bolt is bbolt, with the options that its documentation recommends for writes.
type bolt struct{ *bbolt.DB }

func openBolt(waiters int) func(dir string) (store, error) {
	return func(dir string) (store, error) {
		db, err := bbolt.Open(filepath.Join(dir, "bolt.db"), 0o600, &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType})
		if err != nil {
			return nil, err
		}
		db.MaxBatchSize = waiters // so that a batch does not wait for more than can come
		return bolt{db}, nil
	}
}

func (b bolt) put(table, key string, value []byte) error {
	change := b.Update
	if b.MaxBatchSize > 1 {
		change = b.Batch
	}
	return change(func(tx *bbolt.Tx) error { return putAll(tx, table, []string{key}, value) })
}

func (b bolt) fill(table string, keys []string, value []byte) error {
	return b.Update(func(tx *bbolt.Tx) error { return putAll(tx, table, keys, value) })
}

func putAll(tx *bbolt.Tx, table string, keys []string, value []byte) error {
	bucket, err := tx.CreateBucketIfNotExists([]byte(table))
	for _, key := range keys {
		if err == nil {
			err = bucket.Put([]byte(key), value)
		}
	}
	return err
}

func (b bolt) close() error { return b.Close() }
