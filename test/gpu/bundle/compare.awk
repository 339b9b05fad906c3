# awk -v relative=1e-9 -f compare.awk EXPECTED FOUND: ends with 1 where texts differ or numbers differ by more.
function read(path, into,   line, count, rest, word) {
  count = 0
  while ((getline line < path) > 0) {
    rest = line
    gsub(/[ \t]+/, " ", rest)
    while (match(rest, /[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?/)) {
      into[++count] = substr(rest, 1, RSTART - 1)
      into[++count] = substr(rest, RSTART, RLENGTH)
      rest = substr(rest, RSTART + RLENGTH)
    }
    into[++count] = rest
    into[++count] = ""
  }
  return count
}
function absolute(x) { return x < 0 ? -x : x }
# The weight of a number's last printed digit.
function last(token,   parts, digits) {
  split(token, parts, /[eE]/)
  digits = index(parts[1], ".") ? length(parts[1]) - index(parts[1], ".") : 0
  return 10 ^ ((parts[2] == "" ? 0 : parts[2]) - digits)
}
function blank(text) { gsub(/[ \t]/, "", text); return text }
BEGIN {
  n = read(ARGV[1], a); m = read(ARGV[2], b)
  if (n != m) exit 1
  for (k = 1; k <= n; ++k) {
    if (a[k] == b[k] || (k % 2 && blank(a[k]) == blank(b[k]))) continue
    if (k % 2 || a[k] !~ /[.eE]/ || b[k] !~ /[.eE]/) exit 1
    larger = absolute(a[k] + 0) > absolute(b[k] + 0) ? absolute(a[k] + 0) : absolute(b[k] + 0)
    places = last(a[k]) > last(b[k]) ? last(a[k]) : last(b[k])
    if (absolute(a[k] - b[k]) > relative * larger + (relative < 1e-7 ? 1e-12 : 1e-6) + 1.000001 * places) exit 1
  }
}
