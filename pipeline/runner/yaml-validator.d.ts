declare module '@codefresh-io/yaml-validator' {
  const validator: {
    /** @throws if the pipeline is not valid. */
    validate(pipeline: object, format: 'default', text: string, options: { build: { buildVersion: 'V2' } }): void;
  };
  export default validator;
}
