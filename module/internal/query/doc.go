// Package query is the language of edgeHub's routes: FROM source WHERE condition INTO sink. It reads a route's text as
// edgeHub does, refuses what edgeHub would refuse, with the column, and evaluates conditions on messages.
//
// [ParseRoute] takes the sentence apart and leaves it to its caller what sources and sinks there are. A [Condition] is
// typed when it is read, so that "temperature > 30" is refused: properties are text, as_number(temperature) is a
// number. It is evaluated on a [Message], and holds, does not hold, or is undefined, which counts as not holding.
//
// What was read in the sources of edgeHub (Azure/iotedge, Microsoft.Azure.Devices.Routing.Core: grammar/*.g4,
// query/ConditionVisitor.cs, query/builtins) and surprises:
//
//   - names run on until a space or one of ()<>@,;:\"/[]?={}, so that "a-b" and "a!=b" begin with the names "a-b" and "a!";
//   - "not" binds more tightly than "=", literals are in lower case only ("TRUE" is a property), so is "1e3" never a name;
//   - what the body lacks is null, while a property that is not there is undefined;
//   - is_null of a value of the body says whether the value is there;
//   - a text of the body that looks like an ISO 8601 time is undefined, and so is every object and array;
//   - a condition on the body wants content type and encoding, or else it is undefined.
//
// Beyond edgeHub this package refuses what would compile there and never hold: $twin, wildcards in paths. Where edgeHub's
// JSON reader and its as_number are lenient (comments, single quotes, "(1)", "¤1"), this one says undefined.
//
// # Concurrency
//
// Everything is pure. A Condition may be used by any number of goroutines; a Message belongs to one at a time.
package query
