package hotrod

# A field is a list of values, ranges and steps: 5, 1-5, */15, 1,3.
field(value) := sprintf(`(\*|\?|(%[1]s)(-(%[1]s))?)(/[1-9][0-9]*)?(,(\*|\?|(%[1]s)(-(%[1]s))?)(/[1-9][0-9]*)?)*`, [value])

# The standard parser of the library that Kubernetes reads schedules with: Sunday is 0, and 7 is no day.
fields := [
	`[0-5]?[0-9]`,
	`[01]?[0-9]|2[0-3]`,
	`0?[1-9]|[12][0-9]|3[01]`,
	`0?[1-9]|1[0-2]|[Jj][Aa][Nn]|[Ff][Ee][Bb]|[Mm][Aa][Rr]|[Aa][Pp][Rr]|[Mm][Aa][Yy]|[Jj][Uu][Nn]|[Jj][Uu][Ll]|[Aa][Uu][Gg]|[Ss][Ee][Pp]|[Oo][Cc][Tt]|[Nn][Oo][Vv]|[Dd][Ee][Cc]`,
	`[0-6]|[Ss][Uu][Nn]|[Mm][Oo][Nn]|[Tt][Uu][Ee]|[Ww][Ee][Dd]|[Tt][Hh][Uu]|[Ff][Rr][Ii]|[Ss][Aa][Tt]`,
]

schedule := concat(`\s+`, [field(value) | some value in fields])

macro := `@(yearly|annually|monthly|weekly|daily|midnight|hourly|every ([0-9]+(h|m|s))+)`

deny contains finding("cron-schedule", sprintf("the schedule %q is not valid", [given])) if {
	input.kind == "CronJob"
	given := object.get(input.spec, "schedule", "")
	not regex.match(sprintf(`^(%s|%s)$`, [schedule, macro]), given)
}

deny contains finding("cron-overlap", sprintf("concurrencyPolicy is %s", [given])) if {
	input.kind == "CronJob"
	given := object.get(input.spec, "concurrencyPolicy", "Allow, since it is not set")
	not given in {"Forbid", "Replace"}
}

deny contains finding("cron-deadline", "its jobs have no activeDeadlineSeconds") if {
	input.kind == "CronJob"
	not input.spec.jobTemplate.spec.activeDeadlineSeconds
}
