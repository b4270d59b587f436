package edgehub

// fifo is a queue in a ring that doubles when it is full. The zero value is an empty queue.
type fifo[T any] struct {
	ring []T // its length is a power of two
	head int
	n    int
}

func (q *fifo[T]) len() int { return q.n }

// at returns the element at position i, counted from the first; it is valid until the next push.
func (q *fifo[T]) at(i int) *T { return &q.ring[(q.head+i)&(len(q.ring)-1)] }

func (q *fifo[T]) push(v T) {
	if q.n == len(q.ring) {
		larger := make([]T, max(16, 2*len(q.ring)))
		for i := range q.n {
			larger[i] = *q.at(i)
		}
		q.ring, q.head = larger, 0
	}
	q.n++
	*q.at(q.n - 1) = v
}

func (q *fifo[T]) pop() T {
	var zero T
	v := *q.at(0)
	*q.at(0) = zero
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.n--
	return v
}
