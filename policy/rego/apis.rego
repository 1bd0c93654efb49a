package hotrod

# What Kubernetes has removed: the version that did, and what to use instead. From the deprecated API migration guide,
# https://kubernetes.io/docs/reference/using-api/deprecation-guide/. A key is an apiVersion, or one with a kind.
removed := {
	"extensions/v1beta1": {"in": "1.22", "use": "apps/v1, or networking.k8s.io/v1"},
	"apps/v1beta1": {"in": "1.16", "use": "apps/v1"},
	"apps/v1beta2": {"in": "1.16", "use": "apps/v1"},
	"admissionregistration.k8s.io/v1beta1 MutatingWebhookConfiguration": {"in": "1.22", "use": "admissionregistration.k8s.io/v1"},
	"admissionregistration.k8s.io/v1beta1 ValidatingWebhookConfiguration": {"in": "1.22", "use": "admissionregistration.k8s.io/v1"},
	"apiextensions.k8s.io/v1beta1": {"in": "1.22", "use": "apiextensions.k8s.io/v1"},
	"apiregistration.k8s.io/v1beta1": {"in": "1.22", "use": "apiregistration.k8s.io/v1"},
	"authentication.k8s.io/v1beta1 TokenReview": {"in": "1.22", "use": "authentication.k8s.io/v1"},
	"authorization.k8s.io/v1beta1": {"in": "1.22", "use": "authorization.k8s.io/v1"},
	"certificates.k8s.io/v1beta1 CertificateSigningRequest": {"in": "1.22", "use": "certificates.k8s.io/v1"},
	"coordination.k8s.io/v1beta1 Lease": {"in": "1.22", "use": "coordination.k8s.io/v1"},
	"networking.k8s.io/v1beta1 Ingress": {"in": "1.22", "use": "networking.k8s.io/v1"},
	"networking.k8s.io/v1beta1 IngressClass": {"in": "1.22", "use": "networking.k8s.io/v1"},
	"rbac.authorization.k8s.io/v1beta1": {"in": "1.22", "use": "rbac.authorization.k8s.io/v1"},
	"scheduling.k8s.io/v1beta1": {"in": "1.22", "use": "scheduling.k8s.io/v1"},
	"storage.k8s.io/v1beta1 CSIDriver": {"in": "1.22", "use": "storage.k8s.io/v1"},
	"storage.k8s.io/v1beta1 CSINode": {"in": "1.22", "use": "storage.k8s.io/v1"},
	"storage.k8s.io/v1beta1 StorageClass": {"in": "1.22", "use": "storage.k8s.io/v1"},
	"storage.k8s.io/v1beta1 VolumeAttachment": {"in": "1.22", "use": "storage.k8s.io/v1"},
	"storage.k8s.io/v1beta1 CSIStorageCapacity": {"in": "1.27", "use": "storage.k8s.io/v1"},
	"batch/v2alpha1": {"in": "1.21", "use": "batch/v1"},
	"batch/v1beta1": {"in": "1.25", "use": "batch/v1"},
	"discovery.k8s.io/v1beta1": {"in": "1.25", "use": "discovery.k8s.io/v1"},
	"events.k8s.io/v1beta1": {"in": "1.25", "use": "events.k8s.io/v1"},
	"node.k8s.io/v1beta1": {"in": "1.25", "use": "node.k8s.io/v1"},
	"policy/v1beta1": {"in": "1.25", "use": "policy/v1, or Pod Security admission"},
	"autoscaling/v2beta1": {"in": "1.25", "use": "autoscaling/v2"},
	"autoscaling/v2beta2": {"in": "1.26", "use": "autoscaling/v2"},
	"flowcontrol.apiserver.k8s.io/v1beta1": {"in": "1.26", "use": "flowcontrol.apiserver.k8s.io/v1"},
	"flowcontrol.apiserver.k8s.io/v1beta2": {"in": "1.29", "use": "flowcontrol.apiserver.k8s.io/v1"},
	"flowcontrol.apiserver.k8s.io/v1beta3": {"in": "1.32", "use": "flowcontrol.apiserver.k8s.io/v1"},
}

deny contains finding("api-served", sprintf("%s was removed in Kubernetes %s; use %s", [api, removed[api]["in"], removed[api].use])) if {
	some api in [input.apiVersion, sprintf("%s %s", [input.apiVersion, input.kind])]
	removed[api]
}
