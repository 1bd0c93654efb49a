# What the rules have in common: where the pod of an object is, and what a finding says.
package hotrod

# METADATA
# description: The workloads that keep a pod running.
serving := {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"}

# METADATA
# description: The pod that an object is, or makes. A Rollout that refers to a Deployment has none of its own.
pod := {"metadata": object.get(input, "metadata", {}), "spec": input.spec} if input.kind == "Pod"

pod := {"metadata": object.get(input.spec.template, "metadata", {}), "spec": input.spec.template.spec} if {
	input.kind in (serving | {"Job"})
}

pod := {"metadata": object.get(template, "metadata", {}), "spec": template.spec} if {
	input.kind == "CronJob"
	template := input.spec.jobTemplate.spec.template
}

# METADATA
# description: Every container of the pod, with those that run before the others.
containers contains container if {
	some list in ["initContainers", "containers"]
	some container in object.get(pod.spec, list, [])
}

# METADATA
# description: A setting of the security context, the container's before the pod's; null where neither says anything.
security(container, field) := object.get(
	object.get(container, "securityContext", {}),
	field,
	object.get(object.get(pod.spec, "securityContext", {}), field, null),
)

# METADATA
# description: A finding. `where` is what is wrong, in words; the rest is in rules.yaml.
finding(id, where) := {"msg": msg, "rule": id} if {
	rule := data.rules[id]
	msg := sprintf("%s %s: %s [%s]. Why: %s Fix: %s Seen: %s", [
		input.kind, object.get(input, ["metadata", "name"], "without a name"),
		where, id, rule.why, rule.fix, rule.incident.title,
	])
}
