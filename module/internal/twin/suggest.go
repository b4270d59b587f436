package twin

import "strings"

// suggest returns which of the known words was likely meant, or "".
func suggest(word string, known []string) string {
	best, least := "", limitOf(word)+1
	for _, candidate := range known[:min(len(known), 100)] { // thousands of names are not searched for each of thousands
		if d := distance(strings.ToLower(word), strings.ToLower(candidate), least); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// didYouMean returns the hint that goes with an unknown word, or "".
func didYouMean(word string, known []string) string {
	if likely := suggest(word, known); likely != "" {
		return "did you mean " + quote(likely) + "?"
	}
	return ""
}

// limitOf returns how many typing errors a word may hold and still be told apart from the others.
func limitOf(word string) int { return min(3, len(word)/3) }

// distance counts the edits from a to b: a letter inserted, left out or replaced, or two in a row swapped.
// It gives up at limit.
func distance(a, b string, limit int) int {
	if max(len(a)-len(b), len(b)-len(a)) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return min(row[len(b)], limit)
}
