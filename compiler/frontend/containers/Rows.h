// Objects that run-time data choose: rows of one table for each class.
#ifndef MPY_FRONTEND_ROWS_H
#define MPY_FRONTEND_ROWS_H

#include "frontend/interpret/Specializer.h"

namespace mpy {

/// Gives a class whose objects are rows its table, which is empty, or that of its base.
void addTable(Specializer &, ObjectId id, ClassState &cls);
/// Whether objects of the class are rows.
bool hasRows(Specializer &, ObjectId cls);
/// Before a statement that makes an object known to others whose constructor runs: it is a row from
/// there on.
void showRow(Specializer &, const ast::Stmt &statement);
/// A new object of such a class.
Value makeRow(Specializer &, ObjectId cls, CallArguments arguments);
/// `object.name`; unbound if there is no such attribute.
Value rowAttribute(Specializer &, const Value &object, llvm::StringRef name);
/// Sets an attribute, or what a property sets.
void setRowAttribute(Specializer &, const Value &object, llvm::StringRef name, const Value &value);
/// Whether an attribute is there: known, or an i1; null if it certainly is.
std::optional<Scalar> hasRowAttribute(Specializer &, const Value &object, llvm::StringRef name);
/// A method of an object, as a function that takes it; unbound if there is none.
Value rowMethod(Specializer &, const RowValue &row, llvm::StringRef name);
/// The method of an object's class, or one that run-time data choose among those of several classes.
Value methodOfClass(Specializer &, const Value &object, llvm::StringRef name);
/// Which class it is; nothing if run-time data say.
std::optional<ObjectId> knownClass(Specializer &, const RowValue &row);
/// Whether it is an object of a class, or of one of several.
Scalar isRowOf(Specializer &, const RowValue &row, const Value &type);
/// `is`.
Scalar isSameRow(Specializer &, const RowValue &x, const RowValue &y);

//===--- Which classes have tables, and what their text says (RowClasses.cpp) ---===//

/// The column that says which class of its family an object is of.
inline constexpr const char *classColumn = "%class";
/// The attributes that objects of a class get from its methods, and from its annotations if a
/// decorator may make some of them.
void collectAttributes(const ast::ClassDef &node, std::vector<std::string> &names);
/// The first statement of each constructor that makes the object known to others.
std::set<const ast::Stmt *> statementsThatShow(Specializer &, ObjectId cls);
/// Notes that an object of a class of the program was made, and what an attribute of it holds.
void noteMade(Specializer &, ObjectId cls);
void noteHeld(Specializer &, ObjectId cls, const Value &value);
/// Classes that are tried as rows where the program does not compile without: those whose objects
/// refer to their own kind; also those of several objects; all.
enum class RowCandidates { Recursive, Several, All };
/// Adds those of the classes that objects were made of; says whether there is a new one.
bool addRowClasses(Attempts &, RowCandidates);
/// Whether an error may be one of objects that run-time data choose.
bool mayNeedRows(ErrorId id);

} // namespace mpy

#endif // MPY_FRONTEND_ROWS_H
