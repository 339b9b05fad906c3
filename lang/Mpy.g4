// The syntax of .mpy files: all statements and expressions of Python 3.11, in the order of
// Python's own grammar and under its rule names. What the compiler does not translate is
// recognised here, so that a later stage can name it.
//
// What is not here: indentation, joined lines, `match` and `case` as keywords, and the pairs
// `is not` and `not in`; compiler/frontend/syntax/TokenSource.cpp turns the lexer's tokens into INDENT,
// DEDENT, NEWLINE, MATCH, CASE, IS_NOT and NOT_IN. Where a rule accepts more than Python does
// (targets, the order of arguments), the code that builds the AST refuses the rest by name; that
// keeps nearly every decision below at one token of lookahead.
grammar Mpy;

tokens { INDENT, DEDENT, MATCH, CASE, IS_NOT, NOT_IN }

// ---- Starting rules

file_input: statement* EOF;
fstring_input: annotated_rhs EOF;

// ---- Statements

statement: compound_stmt | simple_stmts;

simple_stmts: simple_stmt (';' simple_stmt)* ';'? NEWLINE;

simple_stmt
    : assignment
    | return_stmt
    | import_name
    | import_from
    | raise_stmt
    | pass_stmt
    | del_stmt
    | assert_stmt
    | break_stmt
    | continue_stmt
    | global_stmt
    | nonlocal_stmt
    ;

compound_stmt
    : decorated
    | function_def
    | if_stmt
    | class_def
    | with_stmt
    | for_stmt
    | try_stmt
    | while_stmt
    | match_stmt
    ;

// An expression statement is an assignment without `=`.
assignment
    : annotated_rhs
      ( ':' expression ('=' annotated_rhs)?   // annotated
      | augassign annotated_rhs               // augmented
      | ('=' annotated_rhs)*                  // plain
      )
    ;

annotated_rhs: yield_expr | star_expressions;

augassign
    : '+=' | '-=' | '*=' | '@=' | '/=' | '%=' | '&=' | '|=' | '^=' | '<<=' | '>>=' | '**=' | '//='
    ;

return_stmt: 'return' star_expressions?;
raise_stmt: 'raise' (expression ('from' expression)?)?;
global_stmt: 'global' NAME (',' NAME)*;
nonlocal_stmt: 'nonlocal' NAME (',' NAME)*;
del_stmt: 'del' star_expressions;
assert_stmt: 'assert' expression (',' expression)?;
pass_stmt: 'pass';
break_stmt: 'break';
continue_stmt: 'continue';

import_name: 'import' dotted_as_name (',' dotted_as_name)*;
import_from: 'from' import_dots dotted_name? 'import' import_from_targets;
import_dots: ('.' | '...')*;
import_from_targets
    : '*'
    | '(' import_from_as_name (',' import_from_as_name)* ','? ')'
    | import_from_as_name (',' import_from_as_name)*
    ;
import_from_as_name: NAME ('as' NAME)?;
dotted_as_name: dotted_name ('as' NAME)?;
dotted_name: NAME ('.' NAME)*;

// ---- Blocks

block
    : NEWLINE INDENT statement+ DEDENT
    | simple_stmts
    ;

decorated: decorators (class_def | function_def);
decorators: ('@' named_expression NEWLINE)+;

class_def: 'class' NAME ('(' arguments? ')')? ':' block;

function_def: 'async'? 'def' NAME '(' parameters? ')' ('->' expression)? ':' block;

parameters: parameter (',' parameter)* ','?;
parameter
    : NAME (':' expression)? ('=' expression)?
    | '/'
    | '*' (NAME (':' star_expression)?)?
    | '**' NAME (':' expression)?
    ;

if_stmt
    : 'if' named_expression ':' block ('elif' named_expression ':' block)* else_block?
    ;
else_block: 'else' ':' block;

while_stmt: 'while' named_expression ':' block else_block?;

for_stmt: 'async'? 'for' star_targets 'in' star_expressions ':' block else_block?;

with_stmt
    : 'async'? 'with' '(' with_item (',' with_item)* ','? ')' ':' block
    | 'async'? 'with' with_item (',' with_item)* ':' block
    ;
with_item: expression ('as' star_target)?;

try_stmt: 'try' ':' block except_block* else_block? finally_block?;
except_block: 'except' ('*'? expression ('as' NAME)?)? ':' block;
finally_block: 'finally' ':' block;

// ---- Patterns

match_stmt: MATCH subject_expr ':' NEWLINE INDENT case_block+ DEDENT;
subject_expr: star_named_expression (',' star_named_expression)* ','?;
case_block: CASE patterns guard? ':' block;
guard: 'if' named_expression;

patterns: maybe_star_pattern (',' maybe_star_pattern)* ','?;
maybe_star_pattern: '*' NAME | as_pattern;
as_pattern: or_pattern ('as' NAME)?;
or_pattern: closed_pattern ('|' closed_pattern)*;

closed_pattern
    : literal_pattern                                           # literalPattern
    | name_or_attr                                              # namePattern
    | '(' (maybe_star_pattern (',' maybe_star_pattern)* ','?)? ')'  # groupPattern
    | '[' (maybe_star_pattern (',' maybe_star_pattern)* ','?)? ']'  # sequencePattern
    | '{' (mapping_item (',' mapping_item)* ','?)? '}'          # mappingPattern
    | name_or_attr '(' (class_item (',' class_item)* ','?)? ')'     # classPattern
    ;
literal_pattern
    : '-'? NUMBER (('+' | '-') NUMBER)?
    | STRING+
    | 'None'
    | 'True'
    | 'False'
    ;
name_or_attr: NAME ('.' NAME)*;
mapping_item: '**' NAME | (literal_pattern | name_or_attr) ':' as_pattern;
class_item: NAME '=' as_pattern | as_pattern;

// ---- Expressions

star_expressions: star_expression (',' star_expression)* ','?;
star_expression: '*' expr | expression;
star_named_expression: '*' expr | named_expression;
named_expression: expression (':=' expression)?;

expression: expr ('if' expr 'else' expression)? | lambdef;
yield_expr: 'yield' ('from' expression | star_expressions)?;

lambdef: 'lambda' lambda_parameters? ':' expression;
lambda_parameters: lambda_parameter (',' lambda_parameter)* ','?;
lambda_parameter: NAME ('=' expression)? | '/' | '*' NAME? | '**' NAME;

// Operators, tightest first.
expr
    : primary                                                   # primaryExpr
    | 'await' primary                                           # awaitExpr
    | <assoc=right> expr '**' expr                              # power
    | ('+' | '-' | '~') expr                                    # factor
    | expr ('*' | '/' | '//' | '%' | '@') expr                  # binary
    | expr ('+' | '-') expr                                     # binary
    | expr ('<<' | '>>') expr                                   # binary
    | expr '&' expr                                             # binary
    | expr '^' expr                                             # binary
    | expr '|' expr                                             # binary
    | expr ('==' | '!=' | '<=' | '<' | '>=' | '>' | NOT_IN | 'in' | IS_NOT | 'is') expr  # comparison
    | 'not' expr                                                # inversion
    | expr 'and' expr                                           # conjunction
    | expr 'or' expr                                            # disjunction
    ;

primary: atom trailer*;
trailer
    : '.' NAME                                                  # attributeTrailer
    | '(' arguments? ')'                                        # callTrailer
    | '[' slices ']'                                            # subscriptTrailer
    ;

slices: slice (',' slice)* ','?;
slice
    : '*' expr
    | named_expression (':' upper=expression? (':' step=expression?)?)?
    | ':' upper=expression? (':' step=expression?)?
    ;

arguments: argument (',' argument)* ','?;
argument
    : '*' expression
    | '**' expression
    | expression (':=' expression | '=' expression | for_if_clauses)?
    ;

atom
    : NAME                                                      # nameAtom
    | 'True'                                                    # constantAtom
    | 'False'                                                   # constantAtom
    | 'None'                                                    # constantAtom
    | '...'                                                     # constantAtom
    | STRING+                                                   # stringAtom
    | NUMBER                                                    # numberAtom
    | '(' (yield_expr | star_named_expression (for_if_clauses | (',' star_named_expression)* ','?))? ')'  # groupAtom
    | '[' (star_named_expression (for_if_clauses | (',' star_named_expression)* ','?))? ']'  # listAtom
    | '{' (dict_item (for_if_clauses | (',' dict_item)* ','?))? '}'  # dictAtom
    ;
dict_item: '**' expr | star_named_expression (':' expression)?;

for_if_clauses: for_if_clause+;
for_if_clause: 'async'? 'for' star_targets 'in' expr ('if' expr)*;

star_targets: star_target (',' star_target)* ','?;
star_target: '*'? primary;

// ---- Tokens

FALSE: 'False';
AWAIT: 'await';
ELSE: 'else';
IMPORT: 'import';
PASS: 'pass';
NONE: 'None';
BREAK: 'break';
EXCEPT: 'except';
IN: 'in';
RAISE: 'raise';
TRUE: 'True';
CLASS: 'class';
FINALLY: 'finally';
IS: 'is';
RETURN: 'return';
AND: 'and';
CONTINUE: 'continue';
FOR: 'for';
LAMBDA: 'lambda';
TRY: 'try';
AS: 'as';
DEF: 'def';
FROM: 'from';
NONLOCAL: 'nonlocal';
WHILE: 'while';
ASSERT: 'assert';
DEL: 'del';
GLOBAL: 'global';
NOT: 'not';
WITH: 'with';
ASYNC: 'async';
ELIF: 'elif';
IF: 'if';
OR: 'or';
YIELD: 'yield';

LPAR: '(';
RPAR: ')';
LSQB: '[';
RSQB: ']';
LBRACE: '{';
RBRACE: '}';
COLON: ':';
COLONEQUAL: ':=';
COMMA: ',';
SEMI: ';';
DOT: '.';
ELLIPSIS: '...';
RARROW: '->';
AT: '@';
EQUAL: '=';
PLUS: '+';
MINUS: '-';
STAR: '*';
SLASH: '/';
DOUBLESLASH: '//';
PERCENT: '%';
DOUBLESTAR: '**';
AMPER: '&';
VBAR: '|';
CIRCUMFLEX: '^';
TILDE: '~';
LEFTSHIFT: '<<';
RIGHTSHIFT: '>>';
EQEQUAL: '==';
NOTEQUAL: '!=';
LESS: '<';
LESSEQUAL: '<=';
GREATER: '>';
GREATEREQUAL: '>=';
PLUSEQUAL: '+=';
MINEQUAL: '-=';
STAREQUAL: '*=';
ATEQUAL: '@=';
SLASHEQUAL: '/=';
PERCENTEQUAL: '%=';
AMPEREQUAL: '&=';
VBAREQUAL: '|=';
CIRCUMFLEXEQUAL: '^=';
LEFTSHIFTEQUAL: '<<=';
RIGHTSHIFTEQUAL: '>>=';
DOUBLESTAREQUAL: '**=';
DOUBLESLASHEQUAL: '//=';

NAME: [\p{XID_Start}_] [\p{XID_Continue}]*;

NUMBER
    : (FLOAT | DIGITS) [jJ]
    | FLOAT
    | [1-9] ('_'? [0-9])*
    | '0' ('_'? '0')*
    | '0' [xX] ('_'? [0-9a-fA-F])+
    | '0' [oO] ('_'? [0-7])+
    | '0' [bB] ('_'? [01])+
    ;
fragment DIGITS: [0-9] ('_'? [0-9])*;
fragment FLOAT: (DIGITS '.' DIGITS? | '.' DIGITS) EXPONENT? | DIGITS EXPONENT;
fragment EXPONENT: [eE] [+-]? DIGITS;

// The three-quote forms come first in length, so `""` followed by `"` opens a long string.
STRING
    : PREFIX? ( '"""' (ESCAPE | ~[\\])*? '"""'
              | '\'\'\'' (ESCAPE | ~[\\])*? '\'\'\''
              | '"' (ESCAPE | ~["\\\r\n])* '"'
              | '\'' (ESCAPE | ~['\\\r\n])* '\'' )
    ;
UNCLOSED_STRING
    : PREFIX? ( '"""' ('"' '"'? (ESCAPE | ~["\\]) | ESCAPE | ~["\\])* '"'? '"'? '\\'?
              | '\'\'\'' ('\'' '\''? (ESCAPE | ~['\\]) | ESCAPE | ~['\\])* '\''? '\''? '\\'?
              | '"' (ESCAPE | ~["\\\r\n])* '\\'?
              | '\'' (ESCAPE | ~['\\\r\n])* '\\'? )
    ;
fragment PREFIX: [rR] | [uU] | [bB] | [fF] | [bB] [rR] | [rR] [bB] | [fF] [rR] | [rR] [fF];
fragment ESCAPE: '\\' ('\r' '\n' | .);

NEWLINE: '\r'? '\n' | '\r';
JOIN: '\\' ('\r'? '\n' | '\r') -> skip;
SPACE: [ \t\f]+ -> skip;
COMMENT: '#' ~[\r\n]* -> skip;
UNEXPECTED: .;
