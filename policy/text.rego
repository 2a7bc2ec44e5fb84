# Words that the reasons of all packs share.
package maestro.text

unknown(noun, name, table) := concat("", [
	noun, " \"", name, "\" is not in data.", table,
	"; add it to ", table, " in .maestro/policy.yaml",
])

unlisted(noun, name, list) := concat("", [
	noun, " \"", name, "\" is not in data.", list,
	"; add it to ", list, " in .maestro/policy.yaml",
])

missing(key) := concat("", ["data.", key, " is not a mapping; correct ", key, " in .maestro/policy.yaml"])

malformed(path) := concat("", [
	"data.", path,
	" has a value that the pack does not know; correct it in .maestro/policy.yaml",
])
