// templates.go - what Go itself makes of templates: the expectations of src/data/template_go_test.c.
//
//	go run tests/go/templates.go tests/go/templates.txt >tests/go/templates.json
//
// templates.txt holds one template a line (\n and \t as in Go strings); the combinations of printf are made here. The result is
// one JSON object: the value that all run on, and for each template its expansion, or null where Go refuses it. It was made with
// Go 1.24 (range over numbers and else with need 1.22 and 1.23). Differences that are meant are left out of templates.txt:
// fields of values print as Go prints maps, because hoy has no structs, and truncate never cuts a character in half.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

type subnet struct {
	Gateway string
	Size    int
}

type address struct{ IP string }

type state struct {
	Status string
	Pid    int
	Health *struct{ Status string }
}

type value struct {
	ID, Name, Empty string
	Size, Neg, Zero int
	Load, Big, Tiny float64
	Up, Down        bool
	Null            *state
	Names, None     []string
	Ports           map[string]any
	Labels          map[string]string
	Subnets         []subnet
	State           state
	Networks        map[string]address
	Text            string
	Numbers         []int
	Mixed           []any
}

func (v value) Label(key string) string { return v.Labels[key] }

var sample = value{
	ID: "abcdef", Name: "web", Size: 1600, Neg: -5, Load: 0.25, Big: 5.5e8 + 0.5, Tiny: 0.000001234, Up: true,
	Names: []string{"a", "b", "c"}, None: []string{}, Ports: map[string]any{},
	Labels:   map[string]string{"z": "1", "com.x/y": "v w", "a": "<&>", "empty": ""},
	Subnets:  []subnet{{"10.0.0.1", 8}, {"10.1.0.1", 16}},
	State:    state{Status: "running", Pid: 7},
	Networks: map[string]address{"n2": {"5.6.7.8"}, "n1": {"1.2.3.4"}},
	Text:     "a\tb \"q\" ä' `<é>\u2028\U0001f600", Numbers: []int{3, 1, 2},
	Mixed: []any{1, nil, "x", []any{true}, map[string]any{"k": 1.5}},
}

var functions = template.FuncMap{
	"json": func(v any) string {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(v)
		return strings.TrimSpace(b.String())
	},
	"split": strings.Split,
	"join":  strings.Join,
	"title": strings.Title,
	"lower": strings.ToLower,
	"upper": strings.ToUpper,
	"pad": func(s string, before, after int) string {
		if s == "" {
			return s
		}
		return strings.Repeat(" ", before) + s + strings.Repeat(" ", after)
	},
	"truncate": func(s string, n int) string {
		if len(s) <= n {
			return s
		}
		return s[:n]
	},
}

func expand(text string) (out *string) {
	defer func() {
		if recover() != nil {
			out = nil
		}
	}()
	t, err := template.New("").Funcs(functions).Parse(text)
	if err != nil {
		return nil
	}
	var b strings.Builder
	if t.Execute(&b, sample) != nil {
		return nil
	}
	s := b.String()
	return &s
}

// printfs combines flags, widths, precisions and verbs; each template prints every kind of value once.
func printfs() (l []string) {
	values := []string{".Name", ".Text", ".Size", ".Neg", ".Zero", ".Load", ".Big", ".Up", ".Numbers", "nil"}
	for _, flags := range []string{"", "-", "+", "#", "0", " 0"} {
		for _, width := range []string{"", "8", "9.3"} {
			for _, verb := range "vsdqxobOctTUefg" {
				args := values
				if strings.Contains(flags, "#") && verb == 'x' {
					args = append(slices.Clone(values[:5]), values[7:]...) // hoy adds no zeros to %#x of floats
				}
				parts := slices.Repeat([]string{"%" + flags + width + string(verb)}, len(args))
				l = append(l, fmt.Sprintf("{{printf %q %s}}", strings.Join(parts, "|"), strings.Join(args, " ")))
			}
		}
	}
	return l
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	templates := []string{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		line, err = strconv.Unquote("\"" + strings.ReplaceAll(line, "\"", "\\\"") + "\"")
		if err != nil {
			panic(line)
		}
		templates = append(templates, line)
	}
	enc := func(v any) string { return functions["json"].(func(any) string)(v) }
	fmt.Printf("{\"value\": %s,\n\"cases\": [", enc(sample))
	for i, t := range append(templates, printfs()...) {
		out := expand(t)
		if out != nil && strings.Contains(*out, "\x00") { // hoy's texts have no NUL
			continue
		}
		if i > 0 {
			fmt.Print(",")
		}
		fmt.Printf("\n[%s, %s]", enc(t), enc(out))
	}
	fmt.Print("\n]}\n")
}
