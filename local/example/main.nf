// Measures a FASTA file in parallel: split, count every chunk, merge, report.
// Needs no container: bash, awk and coreutils. It is plain enough for every Nextflow since 22.10, and for the
// strict syntax of the newest: nothing but declarations at the top, and closures name what they take.

process SPLIT {
    input:
    path fasta
    path tasks

    output:
    path 'chunk-*.fa'

    script:
    """
    bash ${tasks} split ${fasta} ${params.sequences}
    sleep ${params.pause}
    """
}

process COUNT {
    tag "${chunk.baseName}"

    input:
    path chunk
    path tasks

    output:
    path "${chunk.baseName}.tsv"

    script:
    """
    sleep ${params.pause}
    bash ${tasks} count ${chunk} > ${chunk.baseName}.tsv
    """
}

process MERGE {
    input:
    path counts
    path tasks

    output:
    path 'totals.tsv'

    script:
    """
    sleep ${params.pause}
    bash ${tasks} merge ${counts} > totals.tsv
    """
}

process REPORT {
    publishDir "${params.outdir}", mode: 'copy'

    input:
    path totals
    path tasks

    output:
    path 'summary.json'

    script:
    """
    bash ${tasks} report ${totals} > summary.json
    """
}

workflow {
    tasks = file("${projectDir}/tasks.sh")

    SPLIT(file(params.input), tasks)
    SPLIT.out.flatten().view { chunk -> "split: ${chunk.name}" }

    COUNT(SPLIT.out.flatten(), tasks)
    COUNT.out.view { counts -> "counted: ${counts.baseName}" }

    MERGE(COUNT.out.collect(), tasks)
    REPORT(MERGE.out, tasks)
    REPORT.out.view { summary -> "summary: ${summary.text}" }
}
