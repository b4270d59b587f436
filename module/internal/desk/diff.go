package desk

import "strings"

// maxDiff is how many lines are compared line by line; longer texts are shown whole.
const maxDiff = 2000

// Diff shows two texts as one: lines of want alone with -, of got alone with +, those of both with a space.
func Diff(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	common := commonLines(a, b)
	var d strings.Builder
	line := func(mark, text string) { d.WriteString("    " + mark + " " + text + "\n") }
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			line(" ", a[i])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common(i+1, j) >= common(i, j+1):
			line("-", a[i])
			i++
		default:
			line("+", b[j])
			j++
		}
	}
	return d.String()
}

// commonLines returns how many lines a[i:] and b[j:] have in common, in order.
func commonLines(a, b []string) func(i, j int) int {
	if len(a)*len(b) > maxDiff*maxDiff {
		return func(i, j int) int { return 0 }
	}
	width := len(b) + 1
	table := make([]int, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i*width+j] = table[(i+1)*width+j+1] + 1
			} else {
				table[i*width+j] = max(table[(i+1)*width+j], table[i*width+j+1])
			}
		}
	}
	return func(i, j int) int { return table[i*width+j] }
}
