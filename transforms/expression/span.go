package expression

import "github.com/expr-lang/expr/ast"

// span gives the runes a node covers, its operands and brackets included.
func (s *syntax) span(n ast.Node) (from, to int) {
	from, to = s.end(), 0
	s.cover(n, &from, &to)
	if from >= to {
		return 0, s.end()
	}
	return from, to
}

func (s *syntax) cover(n ast.Node, from, to *int) {
	if n == nil {
		return
	}
	if a, b, ok := location(n); ok {
		if i, ok := s.byStart[a]; ok {
			b = max(b, s.tokens[i].To) // numbers are masked for the parser
		}
		*from, *to = min(*from, a), max(*to, b)
		s.coverBracket(n, a, to)
	}
	for _, child := range children(n) {
		s.cover(child, from, to)
	}
}

// coverBracket extends a call to its closing bracket, and so on.
func (s *syntax) coverBracket(n ast.Node, at int, to *int) {
	i, ok := s.byStart[at]
	if !ok {
		return
	}
	switch n.(type) {
	case *ast.CallNode, *ast.BuiltinNode:
		i++
	case *ast.ArrayNode, *ast.MapNode, *ast.SliceNode, *ast.MemberNode:
	default:
		return
	}
	if i < len(s.partner) && s.partner[i] > i {
		*to = max(*to, s.tokens[s.partner[i]].To)
	}
}

// children lists the nodes below a node.
func children(n ast.Node) []ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		return []ast.Node{n.Node, n.From, n.To}
	case *ast.CallNode:
		return append([]ast.Node{n.Callee}, n.Arguments...)
	case *ast.BuiltinNode:
		return n.Arguments
	case *ast.PredicateNode:
		return []ast.Node{n.Node}
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.VariableDeclaratorNode:
		return []ast.Node{n.Value, n.Expr}
	case *ast.SequenceNode:
		return n.Nodes
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.MapNode:
		return n.Pairs
	case *ast.PairNode:
		return []ast.Node{n.Key, n.Value}
	}
	return nil
}

// usesElement reports whether . or # of an element stands in a node.
func usesElement(n ast.Node) bool {
	if n == nil {
		return false
	}
	if _, ok := n.(*ast.PointerNode); ok {
		return true
	}
	for _, child := range children(n) {
		if usesElement(child) {
			return true
		}
	}
	return false
}
