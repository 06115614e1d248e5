import workerpool from 'workerpool'

workerpool.worker({ same: (value: unknown) => value })
