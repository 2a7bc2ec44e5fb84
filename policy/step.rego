# What the step lists, as far as it is looked at: the module sorts thousands of reasons too slowly, and nobody reads
# them.
package maestro.step

most := 100

tags := array.slice(input.step.tags, 0, most)

egress := array.slice(input.step.egress, 0, most)

secrets := array.slice(input.step.secrets, 0, most)

too_long contains name if {
	some name in {"tags", "egress", "secrets"}
	count(input.step[name]) > most
}
